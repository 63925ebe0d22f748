"""Token usage as it is billed, whichever wire reported it: the prompt includes cached tokens, the
completion reasoning."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

MAX_TOKENS = 2**31 - 1
_PICO_DIGITS = 12
PICO_USD_PER_USD = 10**_PICO_DIGITS

_MAX_COST_USD = 10**6
_MAX_COST_LENGTH = 40


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer. `is_estimated`: counted from what was delivered, not reported.

    Each part is within its whole: cached, cache-write and prompt audio tokens within the prompt,
    reasoning and completion audio tokens within the completion; those written to the cache for an
    hour (`cache_write_1h_tokens`) within the cache-write tokens. `provider_cost_pico_usd` is what
    the provider says it charged.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    is_estimated: bool = False
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    provider_cost_pico_usd: int | None = None
    cache_write_1h_tokens: int | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def read_cost(text: bytes) -> int | None:
    """A number of USD as whole pico-USD, from its text: no float is made of it.

    None where it is not a number, negative or absurd. What is finer than a pico-USD is rounded half
    to even.
    """
    if not text or len(text) > _MAX_COST_LENGTH:
        return None
    try:
        usd = Decimal(text.decode())
    except (InvalidOperation, UnicodeDecodeError):
        return None
    if not usd.is_finite() or not 0 <= usd <= _MAX_COST_USD:
        return None
    return int(usd.scaleb(_PICO_DIGITS).to_integral_value())


def estimate_tokens(utf8_bytes: int) -> int:
    """Tokens of a text nobody counted: one for four bytes, the rule of thumb OpenAI gives.

    Source: help.openai.com, "What are tokens and how to count them?".
    """
    return -(-utf8_bytes // 4)
