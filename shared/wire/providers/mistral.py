"""Mistral, which an admin may add: no fresh installation has it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shared.wire.provider import Provider
from shared.wire.quirks import EMPTY, OFF, TO_MAX_TOKENS, ZERO, Quirks

PROVIDER: Final = Provider(
    slug="mistral",
    quirks=Quirks(
        # An unknown field is a 422, extra_forbidden: seed (Vali-98/ChatterUI issue 143),
        # max_completion_tokens (editor-code-assistant/eca issue 231), a message's name
        # (nomtek/mistralai_client_dart issue 44), stream_options (openai/openai-agents-python
        # issue 442). The known ones: mistralai/client-python, models/chatcompletionrequest.py.
        refused=MappingProxyType({"logprobs": OFF, "top_logprobs": ZERO, "logit_bias": EMPTY}),
        refused_in_messages=frozenset({"name"}),
        dropped=frozenset({"store", "metadata", "user", "prompt_cache_key", "safety_identifier"}),
        renamed=MappingProxyType({**TO_MAX_TOKENS, "seed": "random_seed"}),
        # Usage comes unasked, beside the reason (Portkey-AI/gateway pull request 1260).
        takes_stream_options=False,
    ),
)
