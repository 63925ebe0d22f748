"""How each OpenAI-compatible provider departs from OpenAI's chat completions: one row each.

A provider without a row of its own is held to COMPATIBLE. A further provider is one row here and
one recorded case in tests/recorded. Values are never changed here: `temperature: 0` goes out as 0
(Groq makes 1e-8 of it by itself).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec


class Auth(StrEnum):
    """The header that carries the key."""

    BEARER = "bearer"
    X_API_KEY = "x-api-key"


class Quirks(msgspec.Struct, frozen=True):
    """One provider's departures from OpenAI's request, stream and key.

    `refused`: fields that would change the answer, each with the raw JSON values that ask for
    nothing (those are left out). `dropped`: fields that cannot change what the answer means.
    `renamed`: the client's name to the provider's. `refused_in_messages`: the same for the fields
    of a message. `check_path` answers free of charge, with 200 to a good key. `cost_header`
    tells in a JSON answer's head what it cost, in USD. `key_pattern` is loose, for a warning only:
    formats change.
    """

    refused: Mapping[str, frozenset[bytes]] = {}
    dropped: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = {}
    refused_in_messages: frozenset[str] = frozenset()
    takes_stream_options: bool = True
    check_path: str = "/models"
    auth: Auth = Auth.BEARER
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cost_header: bytes | None = None
    key_pattern: str | None = None


_NULL: Final = b"null"
_OFF: Final = frozenset({_NULL, b"false"})
_ONE: Final = frozenset({_NULL, b"1"})
_ZERO: Final = frozenset({_NULL, b"0", b"0.0"})
_EMPTY: Final = frozenset({_NULL, b"{}"})

_TO_MAX_TOKENS: Final = MappingProxyType({"max_completion_tokens": "max_tokens"})

NO_QUIRKS: Final = Quirks()
"""Everything goes out as it came."""

COMPATIBLE: Final = Quirks(renamed=_TO_MAX_TOKENS)
"""Any other compatible server. Ollama knows max_tokens alone (docs.ollama.com,
api/openai-compatibility); vLLM (protocol.py, ChatCompletionRequest) and llama.cpp's server
(tools/server/README.md) know both names."""

_OPENAI: Final = Quirks(
    # "max_tokens is deprecated in favor of max_completion_tokens, and is not compatible with
    # o-series models" (openai-python, types/chat/completion_create_params.py).
    renamed=MappingProxyType({"max_tokens": "max_completion_tokens"}),
    key_pattern=r"sk-(?!ant-|or-)[\w-]{20,}",
)

_GOOGLE: Final = Quirks(
    # An unknown name is a 400, "Cannot find field": frequency_penalty (MinLL/SkyrimNet-GamePlugin
    # issue 77), store (liliMozi/openhanako issue 394). The other hints are not in the list of
    # ai.google.dev/api/compatibility.
    refused=MappingProxyType({"frequency_penalty": _ZERO}),
    dropped=frozenset({"store", "metadata", "user", "prompt_cache_key", "safety_identifier"}),
    # AI Studio issues AQ. keys; AIza are the older ones (discuss.ai.google.dev, 170945).
    key_pattern=r"AIza[\w-]{35}|AQ\.[\w.-]{20,}",
)

_GROQ: Final = Quirks(
    # "The following fields are currently not supported and will result in a 400 error"
    # (console.groq.com/docs/openai): these, messages[].name and an n other than 1.
    refused=MappingProxyType(
        {"logprobs": _OFF, "top_logprobs": _ZERO, "logit_bias": _EMPTY, "n": _ONE}
    ),
    refused_in_messages=frozenset({"name"}),
    # store, metadata: "not currently supported" (groq-python, completion_create_params.py); the
    # other two are unknown there.
    dropped=frozenset({"store", "metadata", "prompt_cache_key", "safety_identifier"}),
    # groq-python, types/chat/chat_completion_chunk.py: XGroq.usage, "only sent in the final chunk".
    key_pattern=r"gsk_\w{40,}",
)

_FIREWORKS: Final = Quirks(
    # "Streaming responses include usage in the final chunk", asked for or not
    # (docs.fireworks.ai/tools-sdks/migrate-to-fireworks). Both names of max_tokens are known.
    key_pattern=r"fw_\w{20,}",
)

_TOGETHER: Final = Quirks(
    # together-python, types/chat/completion_create_params.py knows max_tokens alone.
    renamed=_TO_MAX_TOKENS,
    key_pattern=r"tgp_v1_[\w-]{40,}|[0-9a-f]{64}",
)

_OPENROUTER: Final = Quirks(
    # /models answers without a key, so it proves nothing; /key tells limit and usage
    # (openrouter.ai/docs/api_reference/limits). HTTP-Referer and X-Title are optional and would
    # list the operator publicly, so none is sent.
    check_path="/key",
    key_pattern=r"sk-or-v1-[\w-]{32,}",
)

_MISTRAL: Final = Quirks(
    # An unknown field is a 422, extra_forbidden: seed (Vali-98/ChatterUI issue 143),
    # max_completion_tokens (editor-code-assistant/eca issue 231), a message's name
    # (nomtek/mistralai_client_dart issue 44), stream_options (openai/openai-agents-python issue
    # 442). The known ones: mistralai/client-python, models/chatcompletionrequest.py.
    refused=MappingProxyType({"logprobs": _OFF, "top_logprobs": _ZERO, "logit_bias": _EMPTY}),
    refused_in_messages=frozenset({"name"}),
    dropped=frozenset({"store", "metadata", "user", "prompt_cache_key", "safety_identifier"}),
    renamed=MappingProxyType({**_TO_MAX_TOKENS, "seed": "random_seed"}),
    # Usage comes unasked, beside the reason (Portkey-AI/gateway pull request 1260).
    takes_stream_options=False,
)

# A LiteLLM proxy maps either name of max_tokens to what the model behind it takes
# (docs.litellm.ai/docs/completion/input), so its caller's choice stays. The cost is in no stream's
# head: its `include_cost_in_streaming_usage` puts it into usage.cost (litellm issue 13264).
_LITELLM: Final = Quirks(cost_header=b"x-litellm-response-cost")

QUIRKS: Final[Mapping[str, Quirks]] = MappingProxyType(
    {
        "openai": _OPENAI,
        "google": _GOOGLE,
        "groq": _GROQ,
        "fireworks": _FIREWORKS,
        "together": _TOGETHER,
        "openrouter": _OPENROUTER,
        "mistral": _MISTRAL,
        "litellm": _LITELLM,
    }
)


def quirks_of(slug: str) -> Quirks:
    """The row of the provider with this slug, or COMPATIBLE."""
    return QUIRKS.get(slug, COMPATIBLE)


def looks_like_key(quirks: Quirks, key: str) -> bool:
    """Whether a key has the prefix and length this provider gives its keys; never a reason to
    refuse it."""
    return quirks.key_pattern is None or re.fullmatch(quirks.key_pattern, key) is not None
