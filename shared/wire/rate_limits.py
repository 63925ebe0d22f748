"""The rate-limit headers of every provider, read to one form: limit, remaining, seconds to reset.

Sources: developers.openai.com, guides/rate-limits (durations such as `1s` and `6m0s`);
platform.claude.com, api/rate-limits (RFC 3339 times); console.groq.com/docs/rate-limits (requests
are those of a day, tokens those of a minute); docs.fireworks.ai/serverless/rate-limits (prompt and
generated tokens a minute, no reset); docs.together.ai/docs/rate-limits (seconds);
openrouter.ai/docs/api_reference/limits (Unix milliseconds, on refusals only). Google sends none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec


class Kind(StrEnum):
    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"


class Window(StrEnum):
    MINUTE = "minute"
    DAY = "day"


class RateLimit(msgspec.Struct, frozen=True):
    """One limit; None where the provider does not say. `reset_s`: seconds until it is whole."""

    kind: Kind
    window: Window | None
    limit: int | None
    remaining: int | None
    reset_s: float | None


class _Headers(msgspec.Struct, frozen=True):
    """The names under which one limit is told; `reset` may be the name of no header."""

    kind: Kind
    window: Window | None
    limit: bytes
    remaining: bytes
    reset: bytes
    read_reset: Callable[[str, datetime], float | None]


_MAX_LENGTH: Final = 40

_DURATION: Final = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_SECONDS_IN: Final = MappingProxyType({"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001})
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,15}", re.ASCII)


def _duration(text: str, now: datetime) -> float | None:
    """`12ms`, `6m0s`, `1h2m`, or plain seconds."""
    if _NUMBER.fullmatch(text):
        return float(text)
    found = _DURATION.fullmatch(text) if text else None
    if found is None:
        return None
    return sum(float(part) * _SECONDS_IN[unit] for unit, part in found.groupdict("0").items())


def _instant(text: str, now: datetime) -> float | None:
    """An RFC 3339 time."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return max(0.0, (instant - now).total_seconds())


def _unix_ms(text: str, now: datetime) -> float | None:
    if not _COUNT.fullmatch(text):
        return None
    return max(0.0, int(text) / 1000 - now.timestamp())


def _openai_style(kind: Kind, window: Window | None) -> _Headers:
    unit = kind.encode()
    return _Headers(
        kind,
        window,
        b"x-ratelimit-limit-" + unit,
        b"x-ratelimit-remaining-" + unit,
        b"x-ratelimit-reset-" + unit,
        _duration,
    )


def _anthropic_style(kind: Kind) -> _Headers:
    prefix = b"anthropic-ratelimit-" + kind.replace("_", "-").encode()
    return _Headers(
        kind,
        Window.MINUTE,
        prefix + b"-limit",
        prefix + b"-remaining",
        prefix + b"-reset",
        _instant,
    )


def _fireworks_style(kind: Kind, unit: bytes) -> _Headers:
    return _Headers(
        kind,
        Window.MINUTE,
        b"x-ratelimit-limit-tokens-" + unit,
        b"x-ratelimit-remaining-tokens-" + unit,
        b"x-ratelimit-reset-tokens-" + unit,
        _duration,
    )


def _bare(
    kind: Kind, prefix: bytes, read_reset: Callable[[str, datetime], float | None]
) -> _Headers:
    return _Headers(
        kind, None, prefix + b"-limit", prefix + b"-remaining", prefix + b"-reset", read_reset
    )


_OPENAI: Final = (
    # The documentation does not say whether a request limit is that of a minute or of a day.
    _openai_style(Kind.REQUESTS, None),
    _openai_style(Kind.TOKENS, None),
)

_ROWS: Final[Mapping[str, tuple[_Headers, ...]]] = MappingProxyType(
    {
        "anthropic": tuple(_anthropic_style(kind) for kind in Kind),
        "google": (),
        "groq": (
            _openai_style(Kind.REQUESTS, Window.DAY),
            _openai_style(Kind.TOKENS, Window.MINUTE),
        ),
        "fireworks": (
            _fireworks_style(Kind.INPUT_TOKENS, b"prompt"),
            _fireworks_style(Kind.OUTPUT_TOKENS, b"generated"),
        ),
        "together": (
            _bare(Kind.REQUESTS, b"x-ratelimit", _duration),
            _bare(Kind.TOKENS, b"x-tokenlimit", _duration),
        ),
        "openrouter": (_bare(Kind.REQUESTS, b"x-ratelimit", _unix_ms),),
    }
)


def read_rate_limits(
    headers: Iterable[tuple[bytes, bytes]], slug: str, now: datetime
) -> tuple[RateLimit, ...]:
    """The limits an answer tells of; header names in any case, a malformed value is ignored.

    A provider without a row of its own is read as OpenAI is. `now` is an aware time.
    """
    rows = _ROWS.get(slug, _OPENAI)
    if not rows:
        return ()
    known = {
        name.lower(): value.decode("latin-1").strip()
        for name, value in headers
        if len(value) <= _MAX_LENGTH and b"limit" in name.lower()
    }
    limits = (_read(row, known, now) for row in rows)
    return tuple(limit for limit in limits if limit is not None)


def _read(row: _Headers, known: Mapping[bytes, str], now: datetime) -> RateLimit | None:
    limit = _count(known.get(row.limit))
    remaining = _count(known.get(row.remaining))
    reset = known.get(row.reset)
    reset_s = row.read_reset(reset, now) if reset is not None else None
    if limit is None and remaining is None and reset_s is None:
        return None
    return RateLimit(row.kind, row.window, limit, remaining, reset_s)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and _COUNT.fullmatch(text) else None
