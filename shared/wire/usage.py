"""Token usage, normalised once: the prompt includes cached tokens, the completion reasoning.

Sources: openai-python, types/completion_usage.py; openrouter-python, components/chatusage.py
(cost, in USD); docs.litellm.ai, completion/token_usage (cache_read_input_tokens and
cache_creation_input_tokens beside OpenAI's fields, both within prompt_tokens).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

MAX_TOKENS = 2**31 - 1

_ABSENT = msgspec.Raw()
_PICO_DIGITS = 12
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


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


_NO_PROMPT_DETAILS = _PromptDetails()
_NO_COMPLETION_DETAILS = _CompletionDetails()


class ReportedUsage(msgspec.Struct, frozen=True):
    """`usage` as an OpenAI-compatible provider reports it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cost: msgspec.Raw = _ABSENT
    is_byok: msgspec.Raw = _ABSENT
    cost_details: msgspec.Raw = _ABSENT


class _CostDetails(msgspec.Struct, frozen=True):
    upstream_inference_cost: msgspec.Raw = _ABSENT


_cost_details = msgspec.json.Decoder(_CostDetails | None)


def normalise(reported: ReportedUsage | None) -> Usage | None:
    """The usage that can be billed, or None where it is absent or cannot be true.

    Cannot be true: a negative or absurd number, or a part above its whole. A provider that counts
    a part apart shows it in the total: the cache, where the total is more by just that; else the
    thoughts, as reasoning tokens or in the total alone (Google's thinking models:
    mozilla-ai/any-llm issue 1290, Clarifai/clarifai-python pull request 978). Any other total
    proves nothing.
    """
    if reported is None or reported.prompt_tokens is None or reported.completion_tokens is None:
        return None
    asked = reported.prompt_tokens_details or _NO_PROMPT_DETAILS
    answered = reported.completion_tokens_details or _NO_COMPLETION_DETAILS
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    cached = _first(asked.cached_tokens, reported.cache_read_input_tokens)
    written = _first(asked.cache_write_tokens, reported.cache_creation_input_tokens)
    reasoning = answered.reasoning_tokens
    apart = (reported.total_tokens or 0) - prompt - completion
    if apart > 0:
        if apart == (cached or 0) + (written or 0):
            prompt += apart
        elif reasoning in (None, 0, apart):
            completion, reasoning = completion + apart, apart
    audio_in, audio_out = asked.audio_tokens, answered.audio_tokens
    parts = (prompt, completion, cached or 0, written or 0, reasoning or 0)
    if min(*parts, audio_in or 0, audio_out or 0) < 0 or max(parts) > MAX_TOKENS:
        return None
    if (cached or 0) + (written or 0) > prompt or (reasoning or 0) > completion:
        return None
    if (audio_in or 0) > prompt or (audio_out or 0) > completion:
        return None
    return Usage(
        prompt,
        completion,
        cached,
        written,
        reasoning,
        prompt_audio_tokens=audio_in,
        completion_audio_tokens=audio_out,
        provider_cost_pico_usd=_provider_cost(reported),
    )


def _provider_cost(reported: ReportedUsage) -> int | None:
    """What the answer cost at the provider; None where it does not say.

    With a key of the account's own at OpenRouter, `cost` is OpenRouter's fee alone, 0 perhaps, and
    the answer itself is charged elsewhere (openrouter.ai, use-cases/usage-accounting).
    """
    cost = read_cost(bytes(reported.cost))
    if cost is None or bytes(reported.is_byok) != b"true":
        return cost
    try:
        details = (
            _cost_details.decode(reported.cost_details) if bytes(reported.cost_details) else None
        )
    except msgspec.DecodeError:
        return None
    upstream = None if details is None else read_cost(bytes(details.upstream_inference_cost))
    return None if upstream is None else cost + upstream


def _first(value: int | None, other: int | None) -> int | None:
    return other if value is None else value


def read_cost(text: bytes) -> int | None:
    """A number of USD as whole pico-USD, from its text: no float is made of it.

    None where it is no number, negative or absurd. What is finer than a pico-USD is rounded half
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


_reported = msgspec.json.Decoder(ReportedUsage | None)


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """The usage in a raw `usage` object, or None: a usage of the wrong shape spoils no answer."""
    if not bytes(raw):
        return None
    try:
        return normalise(_reported.decode(raw))
    except msgspec.DecodeError:
        return None


def estimate_tokens(utf8_bytes: int) -> int:
    """Tokens of a text nobody counted: one for four bytes, the rule of thumb OpenAI gives.

    Source: help.openai.com, "What are tokens and how to count them?".
    """
    return -(-utf8_bytes // 4)
