"""Under which names a provider tells its rate limits, and how it tells the time of their reset."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

ReadReset = Callable[[str, datetime], float | None]
"""The text of a header, and now, to seconds from now; None where it is malformed."""


class LimitKind(StrEnum):
    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"


class Window(StrEnum):
    MINUTE = "minute"
    DAY = "day"


class LimitHeaders(msgspec.Struct, frozen=True):
    """The headers of one limit; `reset` may be the name of no header.

    `window` is None where the provider does not say.
    """

    kind: LimitKind
    window: Window | None
    limit: bytes
    remaining: bytes
    reset: bytes
    read_reset: ReadReset


LONGEST_WAIT_S: Final = 86_400.0
"""No limit is waited for longer than a day, whatever a provider says."""

_PARTS: Final = ("limit", "remaining", "reset")

_DURATION: Final = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_SECONDS_IN: Final = MappingProxyType({"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001})
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,15}", re.ASCII)


def capped_s(seconds: float | None) -> float | None:
    """A wait that somebody told us, from now to LONGEST_WAIT_S."""
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT_S)


def duration(text: str, now: datetime) -> float | None:
    """`12ms`, `6m0s`, `1h2m`, or plain seconds."""
    if _NUMBER.fullmatch(text):
        return float(text)
    found = _DURATION.fullmatch(text) if text else None
    if found is None:
        return None
    return sum(float(part) * _SECONDS_IN[unit] for unit, part in found.groupdict("0").items())


def instant(text: str, now: datetime) -> float | None:
    """An RFC 3339 time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return max(0.0, (time - now).total_seconds())


def unix_ms(text: str, now: datetime) -> float | None:
    milliseconds = count(text)
    return None if milliseconds is None else max(0.0, milliseconds / 1000 - now.timestamp())


def count(text: str | None) -> int | None:
    return int(text) if text is not None and _COUNT.fullmatch(text) else None


def headers_by_end(
    kind: LimitKind, window: Window | None, end: str, read_reset: ReadReset = duration
) -> LimitHeaders:
    """As OpenAI names them: `x-ratelimit-limit-<end>`."""
    limit, remaining, reset = (f"x-ratelimit-{part}-{end}".encode() for part in _PARTS)
    return LimitHeaders(kind, window, limit, remaining, reset, read_reset)


def headers_by_start(
    kind: LimitKind, window: Window | None, start: str, read_reset: ReadReset = duration
) -> LimitHeaders:
    """`<start>-limit`, `<start>-remaining`, `<start>-reset`."""
    limit, remaining, reset = (f"{start}-{part}".encode() for part in _PARTS)
    return LimitHeaders(kind, window, limit, remaining, reset, read_reset)


OPENAI_STYLE: Final = (
    # developers.openai.com, guides/rate-limits, does not say whether a request limit is that of a
    # minute or of a day.
    headers_by_end(LimitKind.REQUESTS, None, "requests"),
    headers_by_end(LimitKind.TOKENS, None, "tokens"),
)
