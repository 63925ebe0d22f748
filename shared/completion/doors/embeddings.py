"""The format that callers of the Embeddings door speak: OpenAI's. Pure."""

from __future__ import annotations

import msgspec

from shared.completion.wire import Wire, error_body, error_event
from shared.routing.deployment import Kind
from shared.routing.fit import RoutingRequest
from shared.wire.chat.answer import splice
from shared.wire.chat.request import ChatRequest
from shared.wire.chat.whole_stream import WholeAnswer
from shared.wire.embeddings.over import no_stream, over
from shared.wire.embeddings.request import EmbeddingsRequest, decode_embeddings


def _narrow(chat: ChatRequest, request: RoutingRequest) -> RoutingRequest:
    """Embedding models alone; what has to fit a model's context is the longest input."""
    longest = chat.longest_tokens if isinstance(chat, EmbeddingsRequest) else chat.prompt.tokens
    return msgspec.structs.replace(request, kind=Kind.EMBEDDING, prompt_tokens=longest)


def _no_events(_events: bytes) -> bool:
    return False


def _no_tokens(_body: bytes) -> int:
    return 0


EMBEDDINGS = Wire(
    "embeddings",
    decode_embeddings,
    over,
    _no_events,
    _no_tokens,
    WholeAnswer,
    no_stream,
    splice,
    error_body,
    error_event,
    _narrow,
)
