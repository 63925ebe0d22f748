"""A completion answered as JSON: read its usage, splice `_metadata` in; nothing else is decoded."""

from __future__ import annotations

import msgspec

from shared.wire.chat.usage import read_usage
from shared.wire.usage import Usage, read_cost

_ABSENT = msgspec.Raw()
_NOTHING = (b"", b"null")


class _Answer(msgspec.Struct, frozen=True):
    model: str | None = None
    service_tier: str | None = None
    usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


class Completion(msgspec.Struct, frozen=True):
    """What is known of an answer: its bytes, its usage (None: not reported or impossible)."""

    body: bytes
    model: str | None
    service_tier: str | None
    usage: Usage | None


_answer = msgspec.json.Decoder(_Answer)


def read_completion(body: bytes) -> Completion:
    """Raises ValueError where the body is no completion: not JSON, or an error inside a 200."""
    try:
        answer = _answer.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("not a JSON object") from error
    if bytes(answer.error) not in _NOTHING:
        raise ValueError("an error in an answer of status 200")
    return Completion(body, answer.model, answer.service_tier, read_usage(answer.usage))


def with_reported_cost(completion: Completion, cost: bytes | None) -> Completion:
    """With what the provider says it charged, in USD, where a header told it and usage did not."""
    usage = completion.usage
    if cost is None or usage is None or usage.provider_cost_pico_usd is not None:
        return completion
    told = msgspec.structs.replace(usage, provider_cost_pico_usd=read_cost(cost))
    return msgspec.structs.replace(completion, usage=told)


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    function: _Function | None = None


_calls = msgspec.json.Decoder(tuple[_Call, ...] | None)


class _Said(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: msgspec.Raw = _ABSENT

    @property
    def utf8_bytes(self) -> int:
        parts = [self.content, self.refusal, self.reasoning_content]
        for call in _read_calls(self.tool_calls):
            parts += [call.function.name, call.function.arguments] if call.function else []
        return sum(len(part.encode()) for part in parts if part)


def _read_calls(raw: msgspec.Raw) -> tuple[_Call, ...]:
    """A call of another shape is passed on all the same, and counts nothing."""
    try:
        return (_calls.decode(raw) or ()) if bytes(raw) else ()
    except msgspec.DecodeError:
        return ()


class _Choice(msgspec.Struct, frozen=True):
    message: _Said | None = None


class _Choices(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()


def text_bytes(body: bytes) -> int:
    """UTF-8 bytes of what the model said; for an answer that reports no usage."""
    try:
        choices = msgspec.json.decode(body, type=_Choices).choices
    except msgspec.DecodeError:
        return 0
    return sum(choice.message.utf8_bytes for choice in choices if choice.message is not None)


def splice(body: bytes, metadata: bytes) -> bytes:
    """`body`, a JSON object, with `"_metadata": metadata` before its last brace."""
    end = body.rindex(b"}")
    head = body[:end].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return b'%b%b"_metadata":%b}' % (head, comma, metadata)


class _ChunkChoice(msgspec.Struct, frozen=True):
    delta: _Said | None = None
    finish_reason: str | None = None


class _XGroq(msgspec.Struct, frozen=True):
    """Groq's own part of a chunk (groq-python, types/chat/chat_completion_chunk.py, XGroq)."""

    usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


class Chunk(msgspec.Struct, frozen=True):
    """One event of a stream, as far as it is read."""

    choices: tuple[_ChunkChoice, ...] = ()
    usage: msgspec.Raw = _ABSENT
    model: str | None = None
    service_tier: str | None = None
    error: msgspec.Raw = _ABSENT
    x_groq: _XGroq | None = None

    @property
    def has_error(self) -> bool:
        return bytes(self.error) not in _NOTHING or (
            self.x_groq is not None and bytes(self.x_groq.error) not in _NOTHING
        )

    @property
    def is_finish(self) -> bool:
        return any(choice.finish_reason is not None for choice in self.choices)

    @property
    def text_bytes(self) -> int:
        """UTF-8 bytes of what the model said in this event."""
        return sum(c.delta.utf8_bytes for c in self.choices if c.delta is not None)


_chunk = msgspec.json.Decoder(Chunk)


def read_chunk(data: bytes) -> Chunk | None:
    """One event's data, or None where it is not a chunk's JSON: a bad line harms no stream."""
    try:
        chunk = _chunk.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    if chunk.x_groq is not None and bytes(chunk.usage) in _NOTHING:
        return msgspec.structs.replace(chunk, usage=chunk.x_groq.usage)
    return chunk
