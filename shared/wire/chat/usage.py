"""Usage as chat completions tell it, read and written.

Sources: openai-python, types/completion_usage.py; openrouter-python, components/chatusage.py
(cost, in USD); docs.litellm.ai, completion/token_usage (cache_read_input_tokens and
cache_creation_input_tokens beside OpenAI's fields, both within prompt_tokens).
"""

from __future__ import annotations

import msgspec

from shared.wire.usage import MAX_TOKENS, Usage, read_cost

_ABSENT = msgspec.Raw()


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


def normalize(reported: ReportedUsage | None) -> Usage | None:
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


_reported = msgspec.json.Decoder(ReportedUsage | None)


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """The usage in a raw `usage` object, or None: a usage of the wrong shape spoils no answer."""
    if not bytes(raw):
        return None
    try:
        return normalize(_reported.decode(raw))
    except msgspec.DecodeError:
        return None


def usage_object(usage: Usage) -> dict[str, object]:
    """The `usage` of an answer."""
    shown: dict[str, object] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        },
    }
    if usage.reasoning_tokens is not None:
        shown["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return shown
