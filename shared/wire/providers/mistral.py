"""Mistral, which an admin may add: no fresh installation has it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shared.wire.history.rules import IdRule, MessageRules
from shared.wire.provider import Provider
from shared.wire.quirks import (
    CACHE_HINTS,
    CLAUDES_OWN,
    EMPTY,
    OFF,
    OPENAIS_OWN,
    TO_MAX_TOKENS,
    ZERO,
    Quirks,
)

PROVIDER: Final = Provider(
    slug="mistral",
    quirks=Quirks(
        # An unknown field is a 422, extra_forbidden: seed (Vali-98/ChatterUI issue 143),
        # max_completion_tokens (editor-code-assistant/eca issue 231), a message's name
        # (nomtek/mistralai_client_dart issue 44), stream_options (openai/openai-agents-python
        # issue 442). The known ones: mistralai/client-python, models/chatcompletionrequest.py.
        refused=MappingProxyType({"logprobs": OFF, "top_logprobs": ZERO, "logit_bias": EMPTY}),
        dropped=frozenset({"user", "safety_identifier", "verbosity"})
        | CACHE_HINTS
        | OPENAIS_OWN
        | CLAUDES_OWN,
        messages=MessageRules(
            # client-python, models/assistantmessage.py; ids are "a-z, A-Z, 0-9, with a length of 9"
            # (jackmpcollins/magentic issue 276).
            assistant=frozenset({"role", "content", "prefix", "tool_calls"}),
            dropped=frozenset({"name"}),
            call_ids=IdRule("a-zA-Z0-9", least=9, most=9),
            takes_thoughts_as_parts=True,
        ),
        renamed=MappingProxyType({**TO_MAX_TOKENS, "seed": "random_seed"}),
        # Usage comes unasked, beside the reason (Portkey-AI/gateway pull request 1260).
        takes_stream_options=False,
    ),
)
