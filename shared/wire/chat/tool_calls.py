"""Tool calls as OpenAI's clients need them: each with its index, and a reason that tells of them.

Gemini's endpoint streams whole calls without `index`, on which OpenAI's SDK raises, and gives
`stop` as the reason (openai/openai-python issue 2806, noho/dayu-agent issue 82). Others give all
parallel calls the index 0, so that clients join them into one, or arguments as an object, where
OpenAI's are its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from shared.wire.chat.chunk import Choice, Chunk, read_chunk
from shared.wire.parse.lenient import ABSENT, NotJSON, encode, is_nothing, read_json

STOP, TOOL_CALLS = "stop", "tool_calls"

_Fields = dict[str, msgspec.Raw]


_OBJECT_AS_ARGUMENTS: Final = re.compile(rb'"arguments"\s*:\s*[{\[]')


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: msgspec.Raw = ABSENT


class _Call(msgspec.Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


_calls = msgspec.json.Decoder(tuple[_Call, ...])
_fields = msgspec.json.Decoder(_Fields)
_list = msgspec.json.Decoder(tuple[_Fields, ...])


class _Numbers:
    """The indexes of one choice's calls, given where there are none or two calls have the same.

    `is_changing`: some call has another index than it came with, and so have its pieces to come.
    """

    def __init__(self) -> None:
        self.is_changing = False
        self._next = 0
        self._id: str | None = None
        self._ids: dict[int, str] = {}
        self._given: dict[int, int] = {}

    def of(self, call: _Call) -> int:
        """A call's own index; else that of the call before, unless a new one begins."""
        is_named = call.function is not None and bool(call.function.name)
        is_other = bool(call.id) and call.id != self._id
        if call.index is not None:
            index = self._own(call.index, call.id or "", begins=is_named)
        else:
            index = self._next if is_other or is_named or self._next == 0 else self._next - 1
        self._next = max(self._next, index + 1)
        self._id = call.id or self._id
        return index

    def _own(self, index: int, call_id: str, *, begins: bool) -> int:
        before = self._ids.get(index)
        is_taken = begins and call_id and before not in (None, "", call_id)
        if is_taken or (index not in self._given and index in self._given.values()):
            self._given[index] = self._next
            self.is_changing = True
        self._ids[index] = call_id or before or ""
        return self._given.setdefault(index, index)


class ToolCalls:
    """Those of one stream. `ends_by_stop`: this provider's reason for them is `stop`.

    `are_changing`: some get another index, so that each event has to be read from here on.
    """

    def __init__(self, *, ends_by_stop: bool) -> None:
        self.ends_by_stop = ends_by_stop
        self.are_changing = False
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
        """The index of each call, where one of them has another, or arguments that are no text."""
        raw = (choice.delta or {}).get(TOOL_CALLS, ABSENT)
        if is_nothing(raw):
            return None
        try:
            calls = read_json(_calls, raw)
        except NotJSON:
            return None
        numbers = self._numbers.setdefault(choice.index, _Numbers())
        indexes = [numbers.of(call) for call in calls]
        self.are_changing |= numbers.is_changing
        is_odd = any(
            call.index != index or _is_object(call)
            for call, index in zip(calls, indexes, strict=True)
        )
        return indexes if is_odd else None

    def _is_misnamed(self, choice: Choice) -> bool:
        return self.ends_by_stop and choice.finish_reason == STOP and choice.index in self._numbers


def fix_answer(answer: bytes, *, ends_by_stop: bool) -> bytes:
    """A whole answer with the arguments of its calls as text, and, of a provider that ends calls by
    `stop`, with the reason that OpenAI gives."""
    if b'"tool_calls"' not in answer:
        return answer
    has_objects = _OBJECT_AS_ARGUMENTS.search(answer) is not None
    stops = [
        ends_by_stop
        and choice.finish_reason == STOP
        and not is_nothing(choice.said.get(TOOL_CALLS, ABSENT))
        for choice in (read_chunk(answer).choices or () if ends_by_stop or has_objects else ())
    ]
    if not any(stops) and not has_objects:
        return answer
    fields = read_json(_fields, answer)
    choices = [dict(one) for one in read_json(_list, fields["choices"])]
    for choice, is_misnamed in zip(choices, stops, strict=False):
        if is_misnamed:
            choice["finish_reason"] = _raw(TOOL_CALLS)
        if has_objects:
            _write_arguments(choice)
    return encode({**fields, "choices": choices})


def _write_arguments(choice: _Fields) -> None:
    name = "message" if "message" in choice else "delta"
    try:
        said = read_json(_fields, choice[name])
        calls = [_with_text(call) for call in read_json(_list, said[TOOL_CALLS])]
    except (KeyError, NotJSON):
        return  # it was elsewhere
    choice[name] = _raw({**said, TOOL_CALLS: calls})


def _number(choice: _Fields, indexes: Iterable[int]) -> None:
    delta = read_json(_fields, choice["delta"])
    calls = [
        {
            "index": _raw(index),
            **{name: raw for name, raw in _with_text(call).items() if name != "index"},
        }
        for index, call in zip(indexes, read_json(_list, delta[TOOL_CALLS]), strict=False)
    ]
    choice["delta"] = _raw({**delta, TOOL_CALLS: calls})


def _is_object(call: _Call) -> bool:
    arguments = call.function.arguments if call.function is not None else ABSENT
    return bytes(memoryview(arguments)[:1]) in (b"{", b"[")


def _with_text(call: _Fields) -> _Fields:
    """The call with its arguments as text."""
    try:
        function = read_json(_fields, call["function"])
    except (KeyError, NotJSON):
        return call
    arguments = bytes(function.get("arguments", ABSENT))
    if arguments[:1] not in (b"{", b"["):
        return call
    return {**call, "function": _raw({**function, "arguments": arguments.decode()})}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))
