"""Embeddings of no model: the same text always has the same vector, and texts that share words have
vectors that are near, so that a search over them finds what it should.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import Any

import msgspec

from functions.simulated_provider.answer import tokens
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import read

_DIMENSIONS = 1536
_MOST_DIMENSIONS = 4096
_PLACES = 8
"""Of a vector that a word is written to."""


class EmbeddingsRequest(msgspec.Struct):
    model: str
    input: Any
    dimensions: int | None = None
    encoding_format: str | None = None


_DECODER = msgspec.json.Decoder(EmbeddingsRequest)


def decode(body: bytes) -> EmbeddingsRequest:
    """Raises Refused."""
    asked = read(body, _DECODER, "We could not parse the JSON body of your request")
    if asked.dimensions is not None and not 1 <= asked.dimensions <= _MOST_DIMENSIONS:
        raise Refused(f"dimensions must be from 1 to {_MOST_DIMENSIONS}", "dimensions")
    if asked.encoding_format not in (None, "float", "base64"):
        raise Refused("Supported values are: 'float' and 'base64'.", "encoding_format")
    return asked


def vectors(asked: EmbeddingsRequest) -> bytes:
    """The list of vectors, one an input. Raises Refused for an input that is none."""
    words = _words_of(asked.input)
    if not words or not all(words):
        raise Refused("'$.input' is invalid", "input")
    data = [
        {"object": "embedding", "index": index, "embedding": _written(asked, some)}
        for index, some in enumerate(words)
    ]
    count = sum(_count(one) for one in words)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return msgspec.json.encode(
        {"object": "list", "data": data, "model": asked.model, "usage": usage}
    )


def _words_of(asked: Any) -> list[list[str | int]]:
    """The words of each text, or its tokens."""
    for kind in (str, list[str], list[int], list[list[int]]):
        try:
            found: Any = msgspec.convert(asked, kind, strict=True)
        except msgspec.ValidationError:
            continue
        if isinstance(found, str):
            return [list(found.split())]
        if found and isinstance(found[0], int):
            return [found]
        return [list(one.split()) if isinstance(one, str) else list(one) for one in found]
    raise Refused("'$.input' is invalid", "input")


def _count(words: list[str | int]) -> int:
    """Tokens as an answer's are counted; one that came as a token is one."""
    if isinstance(words[0], int):
        return len(words)
    return tokens(" ".join(map(str, words)))


def _written(asked: EmbeddingsRequest, words: list[str | int]) -> list[float] | str:
    vector = _vector(words, asked.dimensions or _DIMENSIONS)
    if asked.encoding_format != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _vector(words: list[str | int], dimensions: int) -> list[float]:
    """Of length 1. Each word adds to a few places, which its hash says."""
    sums = [0.0] * dimensions
    for word in words:
        digest = hashlib.sha256(str(word).lower().encode()).digest()
        for place in range(_PLACES):
            number = int.from_bytes(digest[4 * place : 4 * place + 4])
            sums[(number >> 1) % dimensions] += 1.0 if number & 1 else -1.0
    length = math.hypot(*sums)
    if length == 0.0:
        sums[0] = length = 1.0
    return [one / length for one in sums]
