"""How a provider's requests depart from OpenAI's chat completions.

Values are never changed: `temperature: 0` goes out as 0 (Groq makes 1e-8 of it by itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec


class Quirks(msgspec.Struct, frozen=True):
    """One provider's departures from OpenAI's request.

    `refused`: fields that would change the answer, each with the raw JSON values that ask for
    nothing (those are left out). `dropped`: fields that cannot change what the answer means.
    `renamed`: the client's name to the provider's. `refused_in_messages`: the same as `refused`,
    for the fields of a message.
    """

    refused: Mapping[str, frozenset[bytes]] = MappingProxyType({})
    dropped: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = MappingProxyType({})
    refused_in_messages: frozenset[str] = frozenset()
    takes_stream_options: bool = True


_NULL: Final = b"null"
OFF: Final = frozenset({_NULL, b"false"})
ONE: Final = frozenset({_NULL, b"1"})
ZERO: Final = frozenset({_NULL, b"0", b"0.0"})
EMPTY: Final = frozenset({_NULL, b"{}"})

TO_MAX_TOKENS: Final = MappingProxyType({"max_completion_tokens": "max_tokens"})

NO_QUIRKS: Final = Quirks()
"""Everything goes out as it came."""

COMPATIBLE: Final = Quirks(renamed=TO_MAX_TOKENS)
"""Any server without quirks of its own. Ollama knows max_tokens alone (docs.ollama.com,
api/openai-compatibility); vLLM (protocol.py, ChatCompletionRequest) and llama.cpp's server
(tools/server/README.md) know both names."""
