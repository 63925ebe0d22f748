"""The items of an answer, and the events that tell how each comes to be.

Sources: openai-python, types/responses/response_{output_message,reasoning_item,function_tool_call,
custom_tool_call}.py and response_*_event.py; guides/streaming-responses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from shared.wire.parse.objects import Fields, as_objects


class Emit(Protocol):
    """One event with the number that is its turn; `name` is without its first word."""

    def __call__(self, name: str, /, **fields: object) -> bytes: ...


class Kind(NamedTuple):
    """How a text is told. `text`: the field that holds it, in the part or else in the item.

    `part`: the part as it begins, None where the item has none; `holder`: the field of the item
    that lists its parts. `part_event` and `text_event` are what their events are called before the
    last dot; `place`: what these call the place of a part. `more`: what is in each event of a text.
    """

    item: str
    text: str
    text_event: str
    part: Fields | None = None
    holder: str = "content"
    part_event: str = "content_part"
    place: str = "content_index"
    more: Fields = {}  # noqa: RUF012  nobody writes to it


TEXT: Final = Kind(
    "message",
    "text",
    "output_text",
    {"type": "output_text", "annotations": [], "logprobs": []},
    more={"logprobs": []},
)
REFUSAL: Final = Kind("message", "refusal", "refusal", {"type": "refusal"})
THOUGHTS: Final = Kind("reasoning", "text", "reasoning_text", {"type": "reasoning_text"})
SUMMARY: Final = Kind(
    "reasoning",
    "text",
    "reasoning_summary_text",
    {"type": "summary_text"},
    holder="summary",
    part_event="reasoning_summary_part",
    place="summary_index",
)
CALL: Final = Kind("function_call", "arguments", "function_call_arguments")
CUSTOM_CALL: Final = Kind("custom_tool_call", "input", "custom_tool_call_input")

_OF_PARTS: Final = {
    kind.part["type"]: kind for kind in (TEXT, REFUSAL, THOUGHTS, SUMMARY) if kind.part
}
_OF_ITEMS: Final = {kind.item: kind for kind in (CALL, CUSTOM_CALL)}


def begun(kind: Kind, at: Fields, emit: Emit) -> Iterator[bytes]:
    """The start of a text; `at`: the item's id and place."""
    if kind.part is not None:
        part = {**kind.part, kind.text: ""}
        yield emit(f"{kind.part_event}.added", **at, part=part)


def grown(kind: Kind, at: Fields, delta: object, emit: Emit) -> bytes:
    return emit(f"{kind.text_event}.delta", **at, delta=delta, **kind.more)


def ended(kind: Kind, at: Fields, part: Fields, emit: Emit) -> Iterator[bytes]:
    """`part` is what holds the text: the part, or the item of a call."""
    name = {"name": part["name"]} if kind is CALL else {}
    yield emit(f"{kind.text_event}.done", **at, **name, **{kind.text: part[kind.text]}, **kind.more)
    if kind.part is not None:
        yield emit(f"{kind.part_event}.done", **at, part=part)


def told(item: Fields, output_index: int, emit: Emit) -> Iterator[bytes]:
    """All events of an item that came whole."""
    start, at = dict(item), {"item_id": item.get("id"), "output_index": output_index}
    call = _OF_ITEMS.get(str(item.get("type")))
    parts = [
        (kind, {**at, kind.place: index}, part)
        for holder in ("summary", "content")
        for index, part in enumerate(as_objects(item.get(holder)))
        if (kind := _OF_PARTS.get(str(part.get("type")))) is not None
    ]
    for kind, _, _ in parts:
        start[kind.holder] = []
    if call is not None:
        parts = [(call, at, item)]
        start[call.text] = ""
    if parts:
        start["status"] = "in_progress"
    yield emit("output_item.added", output_index=output_index, item=start)
    for kind, place, part in parts:
        yield from begun(kind, place, emit)
        yield grown(kind, place, part.get(kind.text, ""), emit)
        yield from ended(kind, place, {kind.text: "", "name": "", **part}, emit)
    yield emit("output_item.done", output_index=output_index, item=item)
