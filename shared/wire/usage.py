"""Token usage, normalised once: the prompt includes cached tokens, the completion reasoning.

Shape read: OpenAI's `usage` (openai-python, types/completion_usage.py).
"""

from __future__ import annotations

import msgspec

MAX_TOKENS = 2**31 - 1


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer. `is_estimated`: counted from what was delivered, not reported."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None


class ReportedUsage(msgspec.Struct, frozen=True):
    """`usage` as an OpenAI-compatible provider reports it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


def normalise(reported: ReportedUsage | None) -> Usage | None:
    """The usage that can be billed, or None where it is absent or cannot be true.

    Cannot be true: a negative or absurd number, or a part above its whole.
    """
    if reported is None or reported.prompt_tokens is None or reported.completion_tokens is None:
        return None
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    details = reported.prompt_tokens_details
    cached = details.cached_tokens if details else None
    written = details.cache_write_tokens if details else None
    answered = reported.completion_tokens_details
    reasoning = answered.reasoning_tokens if answered else None
    parts = (prompt, completion, cached or 0, written or 0, reasoning or 0)
    if min(parts) < 0 or max(parts) > MAX_TOKENS:
        return None
    if (cached or 0) + (written or 0) > prompt or (reasoning or 0) > completion:
        return None
    return Usage(prompt, completion, cached, written, reasoning)


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
