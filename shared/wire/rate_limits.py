"""The rate-limit headers of every provider, read to one form: limit, remaining, seconds to reset.

Which headers those are stands in the provider's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from shared.wire.limit_headers import LimitHeaders, LimitKind, Window, capped_s, count
from shared.wire.providers import provider_of

__all__ = ["LimitKind", "RateLimit", "Window", "read_rate_limits"]

_MAX_LENGTH: Final = 40


class RateLimit(msgspec.Struct, frozen=True):
    """One limit; None where the provider does not say. `reset_s`: seconds until it is whole."""

    kind: LimitKind
    window: Window | None
    limit: int | None
    remaining: int | None
    reset_s: float | None


def read_rate_limits(
    headers: Iterable[tuple[bytes, bytes]], slug: str, now: datetime
) -> tuple[RateLimit, ...]:
    """The limits an answer tells of; header names in any case, a malformed value is ignored.

    A provider that is not known is read as OpenAI is. `now` is an aware time.
    """
    rows = provider_of(slug).limit_headers
    if not rows:
        return ()
    known = {
        name.lower(): value.decode("latin-1").strip()
        for name, value in headers
        if len(value) <= _MAX_LENGTH and b"limit" in name.lower()
    }
    limits = (_read(row, known, now) for row in rows)
    return tuple(limit for limit in limits if limit is not None)


def _read(row: LimitHeaders, known: Mapping[bytes, str], now: datetime) -> RateLimit | None:
    limit = count(known.get(row.limit))
    remaining = count(known.get(row.remaining))
    reset = known.get(row.reset)
    reset_s = capped_s(row.read_reset(reset, now)) if reset is not None else None
    if limit is None and remaining is None and reset_s is None:
        return None
    return RateLimit(row.kind, row.window, limit, remaining, reset_s)
