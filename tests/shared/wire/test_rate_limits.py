"""Laws of reading rate-limit headers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.rate_limits import LimitKind, RateLimit, Window, read_rate_limits

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OPENAI_STYLE = [
    (b"X-RateLimit-Limit-Requests", b"14400"),
    (b"x-ratelimit-limit-tokens", b"18000"),
    (b"x-ratelimit-remaining-requests", b"14370"),
    (b"x-ratelimit-remaining-tokens", b"17997"),
    (b"x-ratelimit-reset-requests", b"2m59.56s"),
    (b"x-ratelimit-reset-tokens", b"7.66s"),
    (b"content-type", b"application/json"),
]


@pytest.mark.parametrize(
    ("slug", "requests", "tokens"),
    [
        ("openai", None, None),
        ("groq", Window.DAY, Window.MINUTE),
        ("a-server-of-ones-own", None, None),
    ],
)
def test_openais_headers_are_read_with_the_windows_of_the_provider(
    slug: str, requests: Window | None, tokens: Window | None
) -> None:
    assert read_rate_limits(OPENAI_STYLE, slug, NOW) == (
        RateLimit(LimitKind.REQUESTS, requests, 14400, 14370, 179.56),
        RateLimit(LimitKind.TOKENS, tokens, 18000, 17997, 7.66),
    )


def test_anthropics_four_limits_are_read_and_their_times_are_seconds_from_now() -> None:
    headers = [
        (b"anthropic-ratelimit-%b-%b" % (kind, part), value)
        for kind in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
        for part, value in (
            (b"limit", b"50"),
            (b"remaining", b"49"),
            (b"reset", b"2026-11-24T12:00:30Z"),
        )
    ]
    assert read_rate_limits(headers, "anthropic", NOW) == tuple(
        RateLimit(kind, Window.MINUTE, 50, 49, 30.0) for kind in LimitKind
    )


def test_fireworks_tells_prompt_and_generated_tokens_without_a_reset() -> None:
    headers = [
        (b"X-Ratelimit-Limit-Tokens-Prompt", b"60000"),
        (b"X-Ratelimit-Remaining-Tokens-Prompt", b"59000"),
        (b"X-Ratelimit-Limit-Tokens-Generated", b"3600"),
    ]
    assert read_rate_limits(headers, "fireworks", NOW) == (
        RateLimit(LimitKind.INPUT_TOKENS, Window.MINUTE, 60000, 59000, None),
        RateLimit(LimitKind.OUTPUT_TOKENS, Window.MINUTE, 3600, None, None),
    )


def test_together_tells_seconds() -> None:
    headers = [
        (b"x-ratelimit-limit", b"10"),
        (b"x-ratelimit-remaining", b"9"),
        (b"x-ratelimit-reset", b"1.5"),
        (b"x-tokenlimit-limit", b"3000"),
    ]
    assert read_rate_limits(headers, "together", NOW) == (
        RateLimit(LimitKind.REQUESTS, None, 10, 9, 1.5),
        RateLimit(LimitKind.TOKENS, None, 3000, None, None),
    )


def test_openrouter_tells_the_unix_time_in_milliseconds() -> None:
    reset = b"%d" % (NOW.timestamp() * 1000 + 2500)
    headers = [(b"X-RateLimit-Limit", b"20"), (b"X-RateLimit-Reset", reset)]
    assert read_rate_limits(headers, "openrouter", NOW) == (
        RateLimit(LimitKind.REQUESTS, None, 20, None, 2.5),
    )


def test_google_tells_nothing() -> None:
    assert read_rate_limits(OPENAI_STYLE, "google", NOW) == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"12ms", 0.012),
        (b"6m0s", 360.0),
        (b"1h2m", 3720.0),
        (b"1d", 86400.0),
        (b"0s", 0.0),
        (b"1m30s500ms", 90.5),
        (b"5", 5.0),
        (b"", None),
        (b"soon", None),
        (b"-1s", None),
        (b"1s1m", None),
        (b"1e9", None),
        (b"9" * 41, None),
        ("\u0661s".encode(), None),
    ],
)
def test_a_duration_is_seconds_and_what_is_no_duration_is_ignored(
    text: bytes, seconds: float | None
) -> None:
    headers = [(b"x-ratelimit-limit-requests", b"1"), (b"x-ratelimit-reset-requests", text)]
    (limit,) = read_rate_limits(headers, "openai", NOW)
    assert limit.reset_s == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("slug", ["anthropic", "openrouter"])
def test_a_time_that_has_passed_is_zero_seconds(slug: str) -> None:
    headers = [
        (b"anthropic-ratelimit-requests-reset", b"2020-01-01T00:00:00Z"),
        (b"x-ratelimit-reset", b"1577836800000"),
    ]
    assert [limit.reset_s for limit in read_rate_limits(headers, slug, NOW)] == [0.0]


@pytest.mark.parametrize("slug", ["openai", "anthropic", "together", "openrouter", "fireworks"])
@given(value=st.binary(max_size=60))
def test_no_value_however_malformed_raises_or_makes_a_negative_limit(
    slug: str, value: bytes
) -> None:
    names = [
        b"x-ratelimit-limit",
        b"x-ratelimit-reset",
        b"x-ratelimit-remaining-requests",
        b"x-ratelimit-reset-requests",
        b"x-ratelimit-limit-tokens-prompt",
        b"anthropic-ratelimit-tokens-reset",
        b"anthropic-ratelimit-tokens-limit",
    ]
    for limit in read_rate_limits([(name, value) for name in names], slug, NOW):
        numbers = (limit.limit, limit.remaining, limit.reset_s)
        assert all(number is None or number >= 0 for number in numbers)
