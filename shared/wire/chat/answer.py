"""A completion answered as JSON: read as far as it is billed and judged, `_metadata` spliced in."""

from __future__ import annotations

import msgspec

from shared.wire.chat.chunk import Chunk, counts_of, error_of, read_chunk, texts_of
from shared.wire.chat.usage import normalize
from shared.wire.parse.lenient import NotJSON, check_utf8, sound
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts, read_cost

_MOST_OF_AN_ERROR_BYTES = 64 * 1024


class NotAnAnswer(ValueError):
    """An answer of status 200 that is none. `body` is the error it bears, as if it came alone."""

    def __init__(self, why: str, body: bytes) -> None:
        super().__init__(why)
        self.body = body[:_MOST_OF_AN_ERROR_BYTES]


class Completion(msgspec.Struct, frozen=True):
    """What is known of an answer: its bytes, and its counts (None: not reported)."""

    body: bytes
    model: str | None
    service_tier: str | None
    counts: Counts | None


def read_completion(body: bytes) -> Completion:
    """Raises NotAnAnswer where the body is no completion: not JSON, an error, or without content.

    An empty text is an answer where the model says why it stopped, or that it took tokens.
    """
    try:
        check_utf8(body)
        answer = read_chunk(body)
    except NotJSON as error:
        raise NotAnAnswer("not a JSON object", body) from error
    error = error_of(answer, body)
    if error is not None:
        raise NotAnAnswer("an error in an answer of status 200", error)
    counts = normalize(counts_of(answer, body))
    if not is_answer(answer, counts):
        raise NotAnAnswer("an answer of status 200 without content", body)
    return Completion(sound(body), answer.model, answer.service_tier, counts)


def is_answer(answer: Chunk, counts: Counts | None) -> bool:
    if not answer.choices:
        return False
    took = counts is not None and bool(counts.completion_tokens)
    return answer.has_content or answer.finish_reason is not None or took


def with_reported_cost(completion: Completion, cost: bytes | None) -> Completion:
    """With what the provider says it charged, in USD, where a header told it and usage did not."""
    counts = completion.counts or Counts()
    if cost is None or counts.provider_cost_pico_usd is not None:
        return completion
    told = msgspec.structs.replace(counts, provider_cost_pico_usd=read_cost(cost))
    return msgspec.structs.replace(completion, counts=told)


def text_tokens(body: bytes) -> int:
    """Expected tokens of what the model said; for an answer that reports no usage."""
    try:
        choices = read_chunk(body).choices or ()
    except NotJSON:
        return 0
    said = Pieces()
    for choice in choices:
        for text in texts_of(choice.said):
            said.add(text)
    return said.tokens


def splice(body: bytes, metadata: bytes) -> bytes:
    """`body`, a JSON object, with `"_metadata": metadata` before its last brace."""
    end = body.rindex(b"}")
    head = body[:end].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return b'%b%b"_metadata":%b}' % (head, comma, metadata)
