"""How much the outbound client waits for, holds and keeps."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, bytes and counts; `*_connections` are per origin.

    `high_water_bytes` is how much of a stream is held before the upstream is made to wait;
    `body_bytes` caps an answer read whole, decoded. Silence has no limit but a request's deadline:
    a reasoning model says nothing for minutes, and TCP keep-alive finds a peer that is gone.
    `resend_s`: about one round trip. A reused connection that ends so soon after its request went
    out was closed before the upstream saw it; later the upstream may be at work on it.
    """

    connect_s: float = 5.0
    resend_s: float = 0.1
    keep_alive_s: float = 55.0
    head_bytes: int = 64 * 1024
    body_bytes: int = 64 * 1024 * 1024
    high_water_bytes: int = 256 * 1024
    idle_connections: int = 100
    connections: int = 1000
