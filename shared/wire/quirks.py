"""How a provider's requests depart from OpenAI's chat completions.

Numbers are never changed: `temperature: 0` goes out as 0 (Groq makes 1e-8 of it by itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from shared.wire.history.rules import COMPATIBLE_MESSAGES, MessageRules


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What some models take less of than their provider's others.

    `pattern` is searched in the model's id. `efforts`: the values of reasoning_effort that they
    know; another becomes the nearest of these, and where there are none it is left out.
    `dropped`: hints that they do not know. `unsampled`: sampling fields of which they take the
    default alone, unless the effort is none; `samples_unasked`: none is their default effort.
    `effort_with_tools`: the only effort beside tools, sent whether or not one was asked for.
    """

    pattern: str
    efforts: tuple[str, ...] | None = None
    dropped: frozenset[str] = frozenset()
    unsampled: frozenset[str] = frozenset()
    samples_unasked: bool = False
    effort_with_tools: str | None = None


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's departures from OpenAI's request.

    `refused`: fields that would change the answer, each with the raw JSON values that ask for
    nothing (those are left out). `dropped`: fields that cannot change what the answer means.
    `renamed`: the client's name to the provider's. `only`: all that it may be sent; None: whatever
    the client sent. `messages`: what it takes of a conversation. `versions`: the first that
    matches a model's id holds for it.
    """

    refused: Mapping[str, frozenset[bytes]] = MappingProxyType({})
    dropped: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = MappingProxyType({})
    takes_stream_options: bool = True
    only: frozenset[str] | None = None
    messages: MessageRules = COMPATIBLE_MESSAGES
    versions: tuple[Version, ...] = ()


_NULL: Final = b"null"
OFF: Final = frozenset({_NULL, b"false"})
ONE: Final = frozenset({_NULL, b"1"})
ZERO: Final = frozenset({_NULL, b"0", b"0.0"})
EMPTY: Final = frozenset({_NULL, b"{}"})

TO_MAX_TOKENS: Final = MappingProxyType({"max_completion_tokens": "max_tokens"})

OPENAIS_OWN: Final = frozenset({"store", "metadata"})
"""What OpenAI keeps of a request, and where: at a proxy `metadata` steers."""

CLAUDES_OWN: Final = frozenset({"thinking", "cache_control"})
"""Fields of Anthropic's that its callers send whichever model answers."""

CACHE_HINTS: Final = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
)

SAMPLING: Final = frozenset(
    {
        *("temperature", "top_p", "top_k", "min_p"),
        *("presence_penalty", "frequency_penalty", "repetition_penalty"),
    }
)
"""How tokens are drawn: left out where the caller did not choose the model."""

NO_QUIRKS: Final = Quirks(dropped=OPENAIS_OWN)
"""Everything else goes out as it came."""

COMPATIBLE: Final = Quirks(dropped=OPENAIS_OWN, renamed=TO_MAX_TOKENS)
"""Any server without quirks of its own. Ollama knows max_tokens alone (docs.ollama.com,
api/openai-compatibility); vLLM (protocol.py, ChatCompletionRequest) and llama.cpp's server
(tools/server/README.md) know both names."""
