"""Anthropic's usage, normalized: its input_tokens leave the cache out, ours include it.

Sources: anthropic-sdk-python, types/usage.py (the whole input is the sum of input_tokens,
cache_creation_input_tokens and cache_read_input_tokens), types/message_delta_usage.py (cumulative),
types/cache_creation.py, types/output_tokens_details.py (thinking is within the output).
"""

from __future__ import annotations

import msgspec

from shared.wire.usage import MAX_TOKENS, Usage


class _CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int | None = None


class ReportedUsage(msgspec.Struct, frozen=True):
    """`usage` as a message, its message_start or its message_delta reports it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    service_tier: str | None = None

    @property
    def cache_write_tokens(self) -> int | None:
        """Tokens written to the cache, for 5 minutes and for an hour together."""
        if self.cache_creation_input_tokens is not None or self.cache_creation is None:
            return self.cache_creation_input_tokens
        split = self.cache_creation
        return split.ephemeral_5m_input_tokens + split.ephemeral_1h_input_tokens


_reported = msgspec.json.Decoder(ReportedUsage | None)

_TIERS = {"standard": "default", "priority": "priority"}
"""Anthropic's tiers in OpenAI's words; OpenAI has none for a batch."""


def read_reported(raw: msgspec.Raw) -> ReportedUsage | None:
    """The usage in a raw `usage` object; None where it is absent or of another shape."""
    if not bytes(raw):
        return None
    try:
        return _reported.decode(raw)
    except msgspec.DecodeError:
        return None


def merge(earlier: ReportedUsage | None, later: ReportedUsage | None) -> ReportedUsage | None:
    """What is known after both events of a stream: the later number wins where it is not null."""
    if earlier is None or later is None:
        return later or earlier
    known = {name: getattr(later, name) for name in later.__struct_fields__}
    return msgspec.structs.replace(
        earlier, **{name: value for name, value in known.items() if value is not None}
    )


def normalize(reported: ReportedUsage | None) -> Usage | None:
    """The usage that can be billed, or None where it is absent or cannot be true.

    Cannot be true: a negative or absurd number, or a part above its whole.
    """
    if reported is None or reported.input_tokens is None or reported.output_tokens is None:
        return None
    cached, written = reported.cache_read_input_tokens, reported.cache_write_tokens
    details = reported.output_tokens_details
    reasoning = details.thinking_tokens if details else None
    split = reported.cache_creation
    written_1h = split.ephemeral_1h_input_tokens if split else None
    parts = (reported.input_tokens, cached or 0, written or 0)
    prompt, completion = sum(parts), reported.output_tokens
    least = min(*parts, completion, reasoning or 0, written_1h or 0)
    if least < 0 or max(prompt, completion) > MAX_TOKENS:
        return None
    if (reasoning or 0) > completion or (written_1h or 0) > (written or 0):
        return None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cache_write_1h_tokens=written_1h,
    )


def service_tier(reported: ReportedUsage | None) -> str | None:
    """The tier that served the request, in OpenAI's words."""
    return _TIERS.get(reported.service_tier or "") if reported is not None else None
