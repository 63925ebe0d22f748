"""The rate-limit headers of each provider, for limits that are never enforced.

Each request finds its window all but unused; `exhausted` is for the answer that says 429.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.fakes.scripted_provider.exchange import Headers

_REQUESTS_A_MINUTE = 10_000
_REQUESTS_A_DAY = 14_400
_TOKENS_A_MINUTE = 2_000_000


def openai(*, exhausted: bool = False) -> Headers:
    """Resets are durations such as `6ms` and `1m0s` (developers.openai.com, guides/rate-limits)."""
    left = 0 if exhausted else _REQUESTS_A_MINUTE - 1
    return [
        (b"x-ratelimit-limit-requests", b"%d" % _REQUESTS_A_MINUTE),
        (b"x-ratelimit-limit-tokens", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-remaining-requests", b"%d" % left),
        (b"x-ratelimit-remaining-tokens", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-reset-requests", b"1s" if exhausted else b"6ms"),
        (b"x-ratelimit-reset-tokens", b"0s"),
    ]


def groq(*, exhausted: bool = False) -> Headers:
    """OpenAI's names, but the requests are those of a day (console.groq.com/docs/rate-limits)."""
    left = 0 if exhausted else _REQUESTS_A_DAY - 1
    return [
        (b"x-ratelimit-limit-requests", b"%d" % _REQUESTS_A_DAY),
        (b"x-ratelimit-limit-tokens", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-remaining-requests", b"%d" % left),
        (b"x-ratelimit-remaining-tokens", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-reset-requests", b"23h59m59.5s" if exhausted else b"6s"),
        (b"x-ratelimit-reset-tokens", b"0s"),
    ]


def fireworks(*, exhausted: bool = False) -> Headers:
    """Prompt and generated tokens apart, no resets (docs.fireworks.ai/serverless/rate-limits)."""
    left = 0 if exhausted else _TOKENS_A_MINUTE
    return [
        (b"x-ratelimit-limit-tokens-prompt", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-remaining-tokens-prompt", b"%d" % left),
        (b"x-ratelimit-limit-tokens-generated", b"%d" % _TOKENS_A_MINUTE),
        (b"x-ratelimit-remaining-tokens-generated", b"%d" % left),
    ]


def together(*, exhausted: bool = False) -> Headers:
    """Names without a unit; the reset is in seconds (docs.together.ai/docs/rate-limits)."""
    left = 0 if exhausted else _REQUESTS_A_MINUTE - 1
    return [
        (b"x-ratelimit-limit", b"%d" % _REQUESTS_A_MINUTE),
        (b"x-ratelimit-remaining", b"%d" % left),
        (b"x-ratelimit-reset", b"1"),
        (b"x-tokenlimit-limit", b"%d" % _TOKENS_A_MINUTE),
        (b"x-tokenlimit-remaining", b"%d" % _TOKENS_A_MINUTE),
    ]


def openrouter(*, exhausted: bool = False) -> Headers:
    """Only on a refusal; the reset is in Unix milliseconds (openrouter.ai/docs/api/limits)."""
    if not exhausted:
        return []
    return [
        (b"x-ratelimit-limit", b"%d" % _REQUESTS_A_MINUTE),
        (b"x-ratelimit-remaining", b"0"),
        (b"x-ratelimit-reset", b"%d" % ((time.time() + 1) * 1000)),
    ]


def anthropic(*, exhausted: bool = False) -> Headers:
    """Four limits; resets are RFC 3339 times (platform.claude.com/docs/en/api/rate-limits)."""
    reset = datetime.fromtimestamp(int(time.time()) + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    left = 0 if exhausted else _REQUESTS_A_MINUTE - 1
    limits = (
        (b"requests", _REQUESTS_A_MINUTE, left),
        (b"tokens", 2 * _TOKENS_A_MINUTE, 2 * _TOKENS_A_MINUTE),
        (b"input-tokens", _TOKENS_A_MINUTE, _TOKENS_A_MINUTE),
        (b"output-tokens", _TOKENS_A_MINUTE, _TOKENS_A_MINUTE),
    )
    headers: Headers = []
    for name, limit, remaining in limits:
        headers += [
            (b"anthropic-ratelimit-%s-limit" % name, b"%d" % limit),
            (b"anthropic-ratelimit-%s-remaining" % name, b"%d" % remaining),
            (b"anthropic-ratelimit-%s-reset" % name, reset.encode()),
        ]
    return headers
