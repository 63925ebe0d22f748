"""Tool calls as OpenAI's clients need them: each with its index, and a reason that tells of them.

Gemini's endpoint streams whole calls without `index`, on which OpenAI's SDK raises, and gives
`stop` as the reason (openai/openai-python issue 2806, noho/dayu-agent issue 82).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.wire.chat.chunk import Choice, Chunk, read_chunk
from shared.wire.parse.lenient import ABSENT, NotJSON, encode, is_nothing, read_json

STOP, TOOL_CALLS = "stop", "tool_calls"

_Fields = dict[str, msgspec.Raw]


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None


class _Call(msgspec.Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


_calls = msgspec.json.Decoder(tuple[_Call, ...])
_fields = msgspec.json.Decoder(_Fields)
_list = msgspec.json.Decoder(tuple[_Fields, ...])


class _Numbers:
    """The indexes of one choice's calls, given where there are none."""

    def __init__(self) -> None:
        self._next = 0
        self._id: str | None = None

    def of(self, call: _Call) -> int:
        """A call's own index; else that of the call before, unless a new one begins."""
        is_next = bool(call.id) and call.id != self._id
        is_next = is_next or (call.function is not None and bool(call.function.name))
        if call.index is not None:
            index = call.index
        else:
            index = self._next if is_next or self._next == 0 else self._next - 1
        self._next = max(self._next, index + 1)
        self._id = call.id or self._id
        return index


class ToolCalls:
    """Those of one stream. `ends_by_stop`: this provider's reason for them is `stop`."""

    def __init__(self, *, ends_by_stop: bool) -> None:
        self.ends_by_stop = ends_by_stop
        self._numbers: dict[int, _Numbers] = {}

    def see(self, choice: Choice) -> None:
        """Note the calls of a choice whose event is not fixed."""
        if not is_nothing(choice.said.get(TOOL_CALLS, ABSENT)):
            self._numbers.setdefault(choice.index, _Numbers())

    def fix(self, chunk: Chunk, data: bytes) -> bytes:
        """The event's data with what its calls or their reason lack; mostly as it came."""
        indexes = [self._indexes(choice) for choice in chunk.choices or ()]
        stops = [self._is_misnamed(choice) for choice in chunk.choices or ()]
        if not any(indexes) and not any(stops):
            return data
        fields = read_json(_fields, data)
        choices = [dict(one) for one in read_json(_list, fields["choices"])]
        for choice, numbers, is_misnamed in zip(choices, indexes, stops, strict=False):
            if numbers:
                _number(choice, numbers)
            if is_misnamed:
                choice["finish_reason"] = _raw(TOOL_CALLS)
        return encode({**fields, "choices": choices})

    def reason_of(self, choice_index: int) -> str:
        """The reason where the stream gave none."""
        return TOOL_CALLS if choice_index in self._numbers else STOP

    def _indexes(self, choice: Choice) -> list[int] | None:
        """The index of each call, where one of them has none."""
        raw = (choice.delta or {}).get(TOOL_CALLS, ABSENT)
        if is_nothing(raw):
            return None
        try:
            calls = read_json(_calls, raw)
        except NotJSON:
            return None
        numbers = self._numbers.setdefault(choice.index, _Numbers())
        indexes = [numbers.of(call) for call in calls]
        return indexes if any(call.index is None for call in calls) else None

    def _is_misnamed(self, choice: Choice) -> bool:
        return self.ends_by_stop and choice.finish_reason == STOP and choice.index in self._numbers


def fix_reason(answer: bytes) -> bytes:
    """A whole answer of a provider that ends calls by `stop`, with the reason that OpenAI gives."""
    stops = [
        choice.finish_reason == STOP and not is_nothing(choice.said.get(TOOL_CALLS, ABSENT))
        for choice in read_chunk(answer).choices or ()
    ]
    if not any(stops):
        return answer
    fields = read_json(_fields, answer)
    choices = [dict(one) for one in read_json(_list, fields["choices"])]
    for choice, is_misnamed in zip(choices, stops, strict=False):
        if is_misnamed:
            choice["finish_reason"] = _raw(TOOL_CALLS)
    return encode({**fields, "choices": choices})


def _number(choice: _Fields, indexes: Iterable[int]) -> None:
    delta = read_json(_fields, choice["delta"])
    calls = [
        {"index": _raw(index), **{name: raw for name, raw in call.items() if name != "index"}}
        for index, call in zip(indexes, read_json(_list, delta[TOOL_CALLS]), strict=False)
    ]
    choice["delta"] = _raw({**delta, TOOL_CALLS: calls})


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))
