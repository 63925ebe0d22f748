"""A response as it goes out, one item after the other, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from shared.wire.chat.in_turn import InTurn, Part, is_json
from shared.wire.history.fields import says_nothing
from shared.wire.parse.lenient import encode, read_text
from shared.wire.parse.sse import typed_event
from shared.wire.responses.items import (
    CALL,
    CUSTOM_CALL,
    Fields,
    Kind,
    begun,
    ended,
    grown,
)
from shared.wire.responses.signed import SignedBlock, write_signed
from shared.wire.responses.tools import Tool, free_text

STATUSES: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by chat's finish_reason."""

_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
}
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Numbered:
    """Writes events, each with its number."""

    def __init__(self, first: int = 0) -> None:
        self.next_number = first

    def __call__(self, name: str, /, **fields: object) -> bytes:
        number, self.next_number = self.next_number, self.next_number + 1
        return typed_event(f"response.{name}", sequence_number=number, **fields)


class _Item(Part):
    """`fields` are those of the item beside its text; `signed` are blocks of thoughts that go back
    as they are; `is_cut`: the answer ended within it."""

    def __init__(self, kind: Kind, fields: Fields, written: Written) -> None:
        self.kind = kind
        self.fields = fields
        self.signed: list[SignedBlock] = []
        self.is_cut = False
        self._waiting: list[msgspec.Raw] = []
        self._pieces: list[msgspec.Raw] = []
        self._written = written
        self._at: Fields = {}

    def add(self, piece: msgspec.Raw) -> None:
        self._pieces.append(piece)
        self._waiting.append(piece)

    @property
    def is_call(self) -> bool:
        return self.kind.part is None

    @property
    def may_begin(self) -> bool:
        """Some servers name the tool of a call later than they begin it."""
        return not self.is_call or bool(self.fields["name"])

    @property
    def is_whole(self) -> bool:
        return not self.is_call or is_json(self._pieces)

    def flush(self) -> Iterator[bytes]:
        emit = self._written.emit
        if not self.has_begun:
            self._begin()
            item = {**self.fields, "status": "in_progress"}
            if self.is_call:
                item[self.kind.text] = ""
            place = self._at["output_index"]
            yield emit("output_item.added", output_index=place, item=item)
            yield from begun(self.kind, self._at, emit)
        if self.kind is CUSTOM_CALL:
            return  # its text is known once its arguments are whole
        for piece in self._waiting:
            yield grown(self.kind, self._at, piece, emit)
        self._waiting = []

    def close(self) -> Iterator[bytes]:
        kind, emit, text = self.kind, self._written.emit, "".join(map(read_text, self._pieces))
        if kind is CUSTOM_CALL:
            text = free_text(text)
            yield grown(kind, self._at, text, emit)
        item = {**self.fields, "status": "incomplete" if self.is_cut else "completed"}
        if self.signed:
            item["encrypted_content"] = write_signed([_whole(one, text) for one in self.signed])
        part: Fields = item
        if kind.part is not None:
            part = {**kind.part, kind.text: text}
            item[kind.holder] = [part]
        else:
            item[kind.text] = text
        yield from ended(kind, self._at, part, emit)
        self._written.items.append(item)
        yield emit("output_item.done", output_index=self._at["output_index"], item=item)

    def _begin(self) -> None:
        written = self._written
        tool = written.tools.get(self.fields.get("name", ""))
        if tool is not None:
            self.fields["name"] = tool.name
            if tool.namespace is not None:
                self.fields["namespace"] = tool.namespace
            if tool.is_custom:
                self.kind = CUSTOM_CALL
        place = written.begun
        written.begun += 1
        prefix = _PREFIXES[self.kind.item]
        self.fields = {
            "id": f"{prefix}_{written.stem}_{place}",
            "type": self.kind.item,
            **self.fields,
        }
        index = {self.kind.place: 0} if self.kind.part is not None else {}
        self._at = {"item_id": self.fields["id"], "output_index": place, **index}


def _whole(block: SignedBlock, text: str) -> SignedBlock:
    """Some servers send the signature behind the thoughts, alone."""
    is_redacted = "data" in block
    if is_redacted or not says_nothing(block.get("thinking")):
        return block
    return {**block, "thinking": msgspec.Raw(encode(text))}


class Written:
    """What is out of a response. `tools`: the callers', by the names that chat knows them by."""

    def __init__(self, tools: dict[str, Tool]) -> None:
        self.emit = Numbered()
        self.tools = tools
        self.items: list[Fields] = []
        self.begun = 0
        self.stem = ""


class ResponseWriter:
    """`shown`: what of the request the response repeats; `created`: Unix seconds."""

    def __init__(self, shown: Fields, tools: dict[str, Tool], created: int) -> None:
        self.calls_tools = False
        self._shown = shown
        self._created = created
        self._written = Written(tools)
        self._turn = InTurn()
        self._last: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._head: Fields = {}

    @property
    def has_begun(self) -> bool:
        return bool(self._head)

    @property
    def next_number(self) -> int:
        return self._written.emit.next_number

    def begin(self, answer_id: str, model: str) -> bytes:
        """Its first two events, once; later nothing."""
        if self._head:
            return b""
        stem = _ODD.sub("", answer_id.removeprefix("chatcmpl-")) or f"{self._created:x}"
        self._written.stem = stem
        self._head = {
            **self._shown,
            "id": f"resp_{stem}",
            "object": "response",
            "created_at": self._created,
            "model": model,
        }
        begun: Fields = {**self._head, "status": "in_progress", "output": [], "usage": None}
        return self._written.emit("created", response=begun) + self._written.emit(
            "in_progress", response=begun
        )

    def say(self, kind: Kind, piece: msgspec.Raw) -> bytes:
        item = self._last
        if item is None or item.kind is not kind:
            item = self._add(kind, _STARTS[kind.item])
        return self._write(item, piece)

    def is_telling(self, kind: Kind) -> bool:
        return self._last is not None and self._last.kind is kind

    def sign(self, kind: Kind, block: SignedBlock) -> bytes:
        """A signed block of the thoughts that were said last, or of some that nobody may read."""
        item = self._last
        if item is None or item.kind is not kind:
            item = self._add(kind, _STARTS[kind.item])
        item.signed.append(block)
        return self._turn.advance()

    def call(self, index: int, call_id: str, name: str, piece: msgspec.Raw | None) -> bytes:
        """A piece of the arguments of a call; `index` tells one call from the others."""
        self.calls_tools = True
        item = self._calls.get(index)
        if item is None:
            item = self._calls[index] = self._add(CALL, {"call_id": call_id, "name": name})
        elif name and not item.has_begun:
            item.fields["name"] = name
        if piece is None:
            return self._turn.advance()
        return self._write(item, piece)

    def finish(self, reason: str, usage: Fields) -> tuple[bytes, Fields]:
        """What waits, the end of each item; and the whole response."""
        why = STATUSES.get(reason)
        if self._last is not None:
            self._last.is_cut = why is not None
        rest = self._turn.advance(is_over=True)
        response = {
            **self._head,
            "status": "completed" if why is None else "incomplete",
            "completed_at": self._created if why is None else None,
            "incomplete_details": None if why is None else {"reason": why},
            "output": self._written.items,
            "usage": usage,
        }
        return rest, response

    def end(self, reason: str, usage: Fields, metadata: bytes) -> bytes:
        rest, response = self.finish(reason, usage)
        whole = {**response, "_metadata": msgspec.Raw(metadata)}
        return rest + self._written.emit(str(response["status"]), response=whole)

    def failed(self, error: Fields) -> Fields:
        """The response as far as it came, and why it came no further."""
        return {**self._head, "status": "failed", "output": self._written.items, "error": error}

    def _add(self, kind: Kind, fields: Fields) -> _Item:
        self._last = _Item(kind, dict(fields), self._written)
        self._turn.add(self._last)
        return self._last

    def _write(self, item: _Item, piece: msgspec.Raw) -> bytes:
        item.add(piece)
        return self._turn.advance()


_STARTS: Final[dict[str, Fields]] = {
    "message": {"role": "assistant", "content": []},
    "reasoning": {"summary": [], "content": []},
}
