"""How much the outbound client waits for, holds and keeps."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, bytes and counts; `*_connections` are per origin.

    `idle_s` is the longest silence while an answer is awaited; `high_water_bytes` is how much of a
    stream is held before the upstream is made to wait; `body_bytes` caps an answer read whole.
    """

    connect_s: float = 5.0
    idle_s: float = 120.0
    keep_alive_s: float = 55.0
    head_bytes: int = 64 * 1024
    body_bytes: int = 64 * 1024 * 1024
    high_water_bytes: int = 256 * 1024
    idle_connections: int = 100
    connections: int = 1000
