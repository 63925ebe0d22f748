"""How a request for embeddings is put to a provider: as it came, at a path of its own."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from shared.wire.chat.answer import Completion, NotAnAnswer
from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.dialect import Dialect
from shared.wire.embeddings.request import EmbeddingsRequest
from shared.wire.embeddings.vectors import read_vectors
from shared.wire.quirks import Quirks
from shared.wire.translated import Sending, Translated

PATH: Final = "/embeddings"

_DOCUMENTED: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
"""Fields of "Create embeddings" in OpenAI's API reference."""


def over(dialect: Dialect, request: ChatRequest) -> Dialect:
    """The dialect whose answers to `request` are embeddings; the router asks no other."""
    wants_base64 = isinstance(request, EmbeddingsRequest) and request.wants_base64
    return msgspec.structs.replace(
        dialect,
        path=PATH,
        request=partial(_write, dialect.quirks),
        reply=partial(_read, wants_base64=wants_base64),
    )


def _write(quirks: Quirks, request: ChatRequest, to: Sending) -> Translated:
    """Labels that the provider does not take are left out and named; a server that takes orders
    from the body is sent what is documented and no more."""
    fields, drops = dict(request.fields), to.drops(request)
    unsent = set(quirks.dropped)
    if quirks.only is not None:
        unsent |= fields.keys() - _DOCUMENTED
    for name in unsent & fields.keys():
        del fields[name]
        drops.leave_out(name)
    fields["model"] = raw_json(to.model_id)
    return Translated(encode_fields(fields), drops.names)


def _read(body: bytes, *, created: int, wants_base64: bool) -> Completion:
    return read_vectors(body, wants_base64=wants_base64)


def no_stream(events: bytes) -> bytes:
    """Raises NotAnAnswer: embeddings never come as events."""
    raise NotAnAnswer("a stream", events)
