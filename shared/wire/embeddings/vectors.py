"""An answer of embeddings: judged, counted, and its vectors as the caller asked for them.

Sources: openai-python, types/create_embedding_response.py and resources/embeddings.py (base64 is
that of little-endian 32-bit floats).
"""

from __future__ import annotations

import base64
import struct

import msgspec

from shared.wire.chat.answer import Completion, NotAnAnswer
from shared.wire.chat.chunk import error_of, read_chunk
from shared.wire.chat.usage import normalize
from shared.wire.parse.lenient import ABSENT, NotJSON, check_utf8, encode, is_nothing, read_json
from shared.wire.usage import Counts


class _Vector(msgspec.Struct, frozen=True):
    embedding: msgspec.Raw = ABSENT


class _List(msgspec.Struct, frozen=True):
    data: tuple[_Vector, ...] = ()


_list = msgspec.json.Decoder(_List)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_floats = msgspec.json.Decoder(list[float])


def read_vectors(body: bytes, *, wants_base64: bool) -> Completion:
    """Raises NotAnAnswer where the body is none: not JSON, an error, or without a vector.

    Where base64 was asked for and numbers came, they are written as it: many servers know no
    encoding_format, and OpenAI's SDK for Node.js reads nothing else (openai/openai-node pull
    request 1680).
    """
    try:
        check_utf8(body)
        answer = read_chunk(body)
    except NotJSON as error:
        raise NotAnAnswer("not a JSON object", body) from error
    refusal = error_of(answer, body)
    if refusal is not None:
        raise NotAnAnswer("an error in an answer of status 200", refusal)
    try:
        vectors = [one.embedding for one in read_json(_list, body).data]
    except NotJSON as error:
        raise NotAnAnswer("an answer of status 200 without vectors", body) from error
    if not vectors or any(is_nothing(one) for one in vectors):
        raise NotAnAnswer("an answer of status 200 without vectors", body)
    if wants_base64 and any(map(_is_list, vectors)):
        body = _as_base64(body)
    return Completion(body, answer.model, answer.service_tier, _counts(normalize(answer.counts)))


def _counts(counts: Counts | None) -> Counts:
    """Nothing is said in return, so the prompt is all there is; and no text is of no token, so that
    a zero is not a count.
    """
    counts = counts or Counts()
    prompt = counts.prompt_tokens or counts.total_tokens or None
    return msgspec.structs.replace(counts, prompt_tokens=prompt, completion_tokens=0)


def _is_list(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"["


def _as_base64(body: bytes) -> bytes:
    """Raises NotAnAnswer for vectors that are no lists of numbers."""
    try:
        fields = _fields.decode(body)
        items = _items.decode(fields["data"])
        for item in items:
            if _is_list(item["embedding"]):
                numbers = _floats.decode(item["embedding"])
                packed = struct.pack(f"<{len(numbers)}f", *numbers)
                item["embedding"] = msgspec.Raw(encode(base64.b64encode(packed).decode()))
    except (msgspec.DecodeError, OverflowError) as error:
        raise NotAnAnswer("vectors that are no lists of numbers", body) from error
    return encode({**fields, "data": items})
