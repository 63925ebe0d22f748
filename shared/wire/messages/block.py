"""A content block of a message, whole or at its start: as much of it as is read."""

from __future__ import annotations

import msgspec

from shared.wire.parse.lenient import ABSENT, encode, is_nothing, read_text


class Block(msgspec.Struct, frozen=True):
    """Sources: anthropic-sdk-python, types/{text,thinking,redacted_thinking,tool_use}_block.py."""

    type: str = ""
    id: str = ""
    name: str = ""
    text: msgspec.Raw = ABSENT
    thinking: msgspec.Raw = ABSENT
    data: str = ""
    input: msgspec.Raw = ABSENT

    @property
    def arguments(self) -> str:
        """A tool call's input as JSON text."""
        return "{}" if is_nothing(self.input) else bytes(self.input).decode()


class OpenBlock:
    """A content block between its start and its stop."""

    def __init__(self, begun: Block) -> None:
        self.begun = begun
        self.tool_index: int | None = None
        self.has_input = False
        self.thoughts: list[str] = []
        self.signature = ""

    def think(self, raw: msgspec.Raw) -> None:
        self.thoughts.append(read_text(raw))

    @property
    def thinking_block(self) -> msgspec.Raw | None:
        """The block as it has to come back in the next request, if it is one of thinking."""
        kind = self.begun.type
        if kind == "thinking" and self.signature:
            thought = "".join(self.thoughts)
            block = {"type": kind, "thinking": thought, "signature": self.signature}
        elif kind == "redacted_thinking":
            block = {"type": kind, "data": self.begun.data}
        else:
            return None
        return msgspec.Raw(encode(block))
