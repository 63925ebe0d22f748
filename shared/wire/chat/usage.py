"""Usage as chat completions tell it, read and written.

Sources: openai-python, types/completion_usage.py and types/responses/response_usage.py;
openrouter-python, components/chatusage.py (cost, in USD); docs.litellm.ai, completion/token_usage
(cache_read_input_tokens and cache_creation_input_tokens beside OpenAI's fields, both within
prompt_tokens); api-docs.deepseek.com, guides/kv_cache (prompt_cache_hit_tokens); platform.kimi.ai,
docs/api/chat (cached_tokens); docs.x.ai, developers/cost-tracking (cost_in_usd_ticks);
docs.perplexity.ai (cost as an object, reasoning_tokens at the top: vercel/ai pull request 13705,
bgeneto/open-webui-cost-tracker issue 6).
"""

from __future__ import annotations

import msgspec

from shared.wire.parse.lenient import ABSENT, NotJSON, is_nothing, read_json
from shared.wire.usage import MAX_TOKENS, Counts, Number, add_up, read_cost, read_count

_TICKS_DIGITS = b"e-10"


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: Number = None
    cache_write_tokens: Number = None
    cache_creation_tokens: Number = None
    cache_creation_input_tokens: Number = None
    audio_tokens: Number = None


class _CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: Number = None
    audio_tokens: Number = None


_NO_PROMPT_DETAILS = _PromptDetails()
_NO_COMPLETION_DETAILS = _CompletionDetails()


class _Reported(msgspec.Struct, frozen=True):
    """`usage` as an OpenAI-compatible provider reports it, in the names of all of them."""

    prompt_tokens: Number = None
    completion_tokens: Number = None
    total_tokens: Number = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    input_tokens: Number = None
    output_tokens: Number = None
    input_tokens_details: _PromptDetails | None = None
    output_tokens_details: _CompletionDetails | None = None
    cache_read_input_tokens: Number = None
    cache_creation_input_tokens: Number = None
    prompt_cache_hit_tokens: Number = None
    cached_tokens: Number = None
    reasoning_tokens: Number = None
    cost: msgspec.Raw = ABSENT
    is_byok: msgspec.Raw = ABSENT
    cost_details: msgspec.Raw = ABSENT
    cost_in_usd_ticks: msgspec.Raw = ABSENT


class _Costs(msgspec.Struct, frozen=True):
    """Of OpenRouter, where the key is its user's own; of Perplexity."""

    upstream_inference_cost: msgspec.Raw = ABSENT
    total_cost: msgspec.Raw = ABSENT


_reported = msgspec.json.Decoder(_Reported)
_costs = msgspec.json.Decoder(_Costs)


def read_usage(raw: msgspec.Raw) -> Counts | None:
    """What a raw `usage` object says; None where it is absent, null or of another kind."""
    if is_nothing(raw):
        return None
    return _named_usually(raw) or _named_otherwise(raw)


def _named_usually(raw: msgspec.Raw) -> Counts | None:
    try:
        reported = read_json(_reported, raw)
    except NotJSON:
        return None
    counts = _plain_counts(reported) or _counts(reported)
    return None if counts == _NO_COUNTS else counts


_NO_COUNTS = Counts()


def _named_otherwise(raw: msgspec.Raw) -> Counts | None:
    """The counts under the names of a provider's own API, which some servers hand on as they are.

    Google (ai.google.dev, api/generate-content, UsageMetadata), Bedrock (docs.aws.amazon.com,
    API_runtime_TokenUsage), Cohere (docs.cohere.com, reference/chat: what is billed comes first),
    and OpenAI's own names as JavaScript writes them.
    """
    try:
        fields = read_json(_fields, raw)
    except NotJSON:
        return None
    for inner in ("billed_units", "tokens"):
        found = _named_usually(fields[inner]) if inner in fields else None
        if found is not None:
            return found
    renamed = {_OTHER_NAMES[name]: value for name, value in fields.items() if name in _OTHER_NAMES}
    return _named_usually(msgspec.Raw(msgspec.json.encode(renamed)))


def read_usage_beside(data: bytes) -> Counts | None:
    """The usage that an answer or an event bears elsewhere than in `usage`; None where none is.

    Google's usageMetadata, Cohere's meta (docs.cohere.com, reference/chat-v1), LangChain's
    token_usage, and what Bedrock adds to the last event of a stream; else the counts themselves
    stand at the top.
    """
    if _OF_ANY_NAME not in data:
        return None
    try:
        fields = read_json(_fields, data)
    except NotJSON:
        return None
    for name in _PLACES:
        found = read_usage(fields[name]) if name in fields else None
        if found is not None:
            return found
    counts = {name: fields[name] for name in _AT_THE_TOP if name in fields}
    return _named_usually(msgspec.Raw(msgspec.json.encode(counts))) if counts else None


_OF_ANY_NAME = b"oken"
_PLACES = (
    *("usageMetadata", "usage_metadata", "meta", "token_usage"),
    "amazon-bedrock-invocationMetrics",
)
_AT_THE_TOP = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OTHER_NAMES = {
    "promptTokens": "prompt_tokens",
    "inputTokens": "prompt_tokens",
    "promptTokenCount": "prompt_tokens",
    "inputTokenCount": "prompt_tokens",
    "completionTokens": "completion_tokens",
    "outputTokens": "completion_tokens",
    "candidatesTokenCount": "completion_tokens",
    "outputTokenCount": "completion_tokens",
    "totalTokens": "total_tokens",
    "totalTokenCount": "total_tokens",
    "cachedContentTokenCount": "cached_tokens",
    "cacheReadInputTokens": "cached_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
    "thoughtsTokenCount": "reasoning_tokens",
    "prompt_token_count": "prompt_tokens",
    "candidates_token_count": "completion_tokens",
    "total_token_count": "total_tokens",
    "cached_content_token_count": "cached_tokens",
    "thoughts_token_count": "reasoning_tokens",
}


def _plain_counts(reported: _Reported) -> Counts | None:
    """What `_counts` says, where three numbers are all there is, at a fifth of its instructions.

    That is all that most servers of open models report.
    """
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    total = reported.total_tokens
    if (
        isinstance(prompt, int)
        and isinstance(completion, int)
        and isinstance(total, int)
        and 0 <= prompt <= MAX_TOKENS
        and 0 <= completion <= MAX_TOKENS
        and 0 <= total <= MAX_TOKENS
        and reported == _Reported(prompt, completion, total)
    ):
        return Counts(prompt, completion, total_tokens=total)
    return None


def _counts(reported: _Reported) -> Counts:
    asked = reported.prompt_tokens_details or reported.input_tokens_details or _NO_PROMPT_DETAILS
    answered = (
        reported.completion_tokens_details
        or reported.output_tokens_details
        or _NO_COMPLETION_DETAILS
    )
    said = (
        _first(reported.prompt_tokens, reported.input_tokens),
        _first(reported.completion_tokens, reported.output_tokens),
        _first(
            *(asked.cached_tokens, reported.cache_read_input_tokens),
            *(reported.prompt_cache_hit_tokens, reported.cached_tokens),
        ),
        _first(
            *(asked.cache_write_tokens, reported.cache_creation_input_tokens),
            *(asked.cache_creation_tokens, asked.cache_creation_input_tokens),
        ),
        _first(answered.reasoning_tokens, reported.reasoning_tokens),
        asked.audio_tokens,
        answered.audio_tokens,
    )
    counts = tuple(map(read_count, said))
    return Counts(
        *counts,
        provider_cost_pico_usd=_provider_cost(reported),
        total_tokens=read_count(reported.total_tokens),
        is_doubtful=counts.count(None) != said.count(None),
    )


def _first(*numbers: Number) -> Number:
    """The first that is there, rather one that is not zero."""
    if numbers.count(None) == len(numbers):
        return None
    for number in numbers:
        if number:
            return number
    return next(number for number in numbers if number is not None)


def normalize(counts: Counts | None) -> Counts | None:
    """The counts with what a provider counts apart in its whole.

    It shows in the total: the cache, where the total is more by just that; else the thoughts, as
    reasoning tokens or in the total alone (Google's thinking models: mozilla-ai/any-llm issue 1290,
    Clarifai/clarifai-python pull request 978). Any other total proves nothing.
    """
    if counts is None:
        return None
    prompt, completion = counts.prompt_tokens, counts.completion_tokens
    if prompt is not None and completion is not None:
        reasoning = counts.reasoning_tokens
        apart = (counts.total_tokens or 0) - prompt - completion
        if apart > 0 and apart == (counts.cached_tokens or 0) + (counts.cache_write_tokens or 0):
            counts = msgspec.structs.replace(counts, prompt_tokens=prompt + apart)
        elif apart > 0 and reasoning in (None, 0, apart):
            counts = msgspec.structs.replace(
                counts, completion_tokens=completion + apart, reasoning_tokens=apart
            )
    return add_up(counts)


def _provider_cost(reported: _Reported) -> int | None:
    """What the answer cost at the provider; None where it does not say.

    With a key of the account's own at OpenRouter, `cost` is OpenRouter's fee alone, 0 perhaps, and
    the answer itself is charged elsewhere (openrouter.ai, use-cases/usage-accounting).
    """
    if reported.cost is ABSENT and reported.cost_in_usd_ticks is ABSENT:
        return None
    told = bytes(reported.cost)
    if told[:1] == b"{":
        told = bytes(_read_costs(reported.cost).total_cost)
    ticks = bytes(reported.cost_in_usd_ticks)
    if ticks.isdigit() and not told:
        told = ticks + _TICKS_DIGITS
    cost = read_cost(told)
    if cost is None or bytes(reported.is_byok) != b"true":
        return cost
    upstream = read_cost(bytes(_read_costs(reported.cost_details).upstream_inference_cost))
    return None if upstream is None else cost + upstream


def _read_costs(raw: msgspec.Raw) -> _Costs:
    try:
        return read_json(_costs, raw)
    except NotJSON:
        return _Costs()


def usage_object(counts: Counts) -> dict[str, object]:
    """The `usage` of an answer, whose wholes are known."""
    prompt, completion = counts.prompt_tokens or 0, counts.completion_tokens or 0
    shown: dict[str, object] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": counts.cached_tokens or 0,
            "cache_write_tokens": counts.cache_write_tokens or 0,
        },
    }
    if counts.reasoning_tokens is not None:
        shown["completion_tokens_details"] = {"reasoning_tokens": counts.reasoning_tokens}
    return shown
