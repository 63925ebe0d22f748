"""Anthropic's usage: its input_tokens leave the cache out, ours include it.

Sources: anthropic-sdk-python, types/usage.py (the whole input is the sum of input_tokens,
cache_creation_input_tokens and cache_read_input_tokens), types/message_delta_usage.py (cumulative),
types/cache_creation.py, types/output_tokens_details.py (thinking is within the output).
"""

from __future__ import annotations

import msgspec

from shared.wire.parse.lenient import NotJSON, is_nothing, read_json
from shared.wire.usage import Counts, Number, add_up, read_count


class _CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: Number = None
    ephemeral_1h_input_tokens: Number = None


class _OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: Number = None


class _Reported(msgspec.Struct, frozen=True):
    """`usage` as a message, its message_start or its message_delta reports it."""

    input_tokens: Number = None
    output_tokens: Number = None
    cache_read_input_tokens: Number = None
    cache_creation_input_tokens: Number = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    service_tier: str | None = None


_reported = msgspec.json.Decoder(_Reported)

_TIERS = {"standard": "default", "priority": "priority"}
"""Anthropic's tiers in OpenAI's words; OpenAI has none for a batch."""


def read_usage(raw: msgspec.Raw) -> tuple[Counts | None, str | None]:
    """The counts of a raw `usage` object, the prompt still without its cache, and the tier that
    served the request in OpenAI's words; None where they are absent or of another kind."""
    if is_nothing(raw):
        return None, None
    try:
        reported = read_json(_reported, raw)
    except NotJSON:
        return None, None
    return _counts(reported), _TIERS.get(reported.service_tier or "")


def _counts(reported: _Reported) -> Counts:
    split = reported.cache_creation or _CacheCreation()
    details = reported.output_tokens_details
    said = (
        reported.input_tokens,
        reported.output_tokens,
        reported.cache_read_input_tokens,
        reported.cache_creation_input_tokens,
        details.thinking_tokens if details else None,
    )
    counts = [read_count(number) for number in said]
    written_5m = read_count(split.ephemeral_5m_input_tokens)
    written_1h = read_count(split.ephemeral_1h_input_tokens)
    if counts[3] is None and reported.cache_creation is not None:
        counts[3] = (written_5m or 0) + (written_1h or 0)
    return Counts(
        *counts,
        cache_write_1h_tokens=written_1h,
        is_doubtful=any(
            number is not None and read_count(number) is None
            for number in (*said, split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens)
        ),
    )


def normalize(counts: Counts | None) -> Counts | None:
    """The counts with the cache in the prompt."""
    if counts is None:
        return None
    apart = (counts.cached_tokens or 0) + (counts.cache_write_tokens or 0)
    if counts.prompt_tokens is not None and apart:
        counts = msgspec.structs.replace(counts, prompt_tokens=counts.prompt_tokens + apart)
    return add_up(counts)
