"""How long the prompt of a Messages request is, in tokens, and what is in it beside text. Pure.

Counted by the rules of shared/wire/chat/prompt.py. Blocks: anthropic-sdk-python,
types/*_block_param.py.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from shared.wire.chat.prompt import TOKENS_A_MESSAGE, TOKENS_A_PROMPT, Prompt
from shared.wire.tokens.media import (
    UNKNOWN_FILE,
    UNKNOWN_IMAGE_TOKENS,
    MediaTokens,
    file_tokens,
    image_tokens,
)
from shared.wire.tokens.text import text_weight, tokens_of

_ABSENT = msgspec.Raw()
_AS_DATA_URL = b"data:,"
_SEEN_OF_IMAGE = 360_000
"""Characters of base64 in which an image's size is looked for."""

Content: TypeAlias = str | list[msgspec.Raw]


class Turn(msgspec.Struct, frozen=True):
    """As much of a message as is read to route it."""

    role: str
    content: Content = ""


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    media_type: str = ""
    data: msgspec.Raw = _ABSENT
    content: Content = ""


class _Block(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""
    thinking: str = ""
    name: str = ""
    input: msgspec.Raw = _ABSENT
    content: Content = ""
    source: _Source | None = None


_block = msgspec.json.Decoder(_Block)


def read_prompt(turns: list[Turn], system: Content, schemas: list[bytes]) -> Prompt:
    """`schemas`: tools and the like, as JSON. A block that is not understood counts as text."""
    seen = _Seen()
    seen.add(system)
    for turn in turns:
        seen.add(turn.content)
    weight = sum(text_weight(schema.decode()) for schema in schemas)
    weight += text_weight(seen.texts[0] if len(seen.texts) == 1 else "\n".join(seen.texts))
    messages = len(turns) + bool(system)
    text_tokens = tokens_of(weight) + TOKENS_A_MESSAGE * messages + TOKENS_A_PROMPT
    return Prompt(text_tokens, messages, seen.images, seen.image_tokens, None, seen.files)


class _Seen:
    """Adds up what is in the blocks of messages."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images = self.image_tokens = 0
        self.files: MediaTokens | None = None

    def add(self, content: Content) -> None:
        if isinstance(content, str):
            self.texts.append(content)
            return
        for raw in content:
            try:
                self._add(_block.decode(raw), raw)
            except msgspec.DecodeError:
                self.texts.append(bytes(raw).decode())

    def _add(self, block: _Block, raw: msgspec.Raw) -> None:
        if block.type == "text":
            self.texts.append(block.text)
        elif block.type == "thinking":
            self.texts.append(block.thinking)
        elif block.type == "tool_use":
            self.texts += (block.name, bytes(block.input).decode())
        elif block.type in ("tool_result", "search_result"):
            self.add(block.content)
        elif block.type == "image":
            self.images += 1
            self.image_tokens += _tokens_of_image(block.source)
        elif block.type == "document":
            self._add_document(block.source)
        else:
            self.texts.append(bytes(raw).decode())

    def _add_document(self, source: _Source | None) -> None:
        kind = source.type if source is not None else ""
        if source is None or kind not in ("text", "content", "base64"):
            self._add_file(UNKNOWN_FILE)
        elif kind == "content":
            self.add(source.content)
        elif kind == "text":
            self.texts.append(bytes(source.data).decode())
        else:
            self._add_file(file_tokens(memoryview(source.data)[1:-1]))

    def _add_file(self, more: MediaTokens) -> None:
        some = self.files or MediaTokens(0, 0)
        self.files = MediaTokens(some.expected + more.expected, some.most + more.most)


def _tokens_of_image(source: _Source | None) -> int:
    if source is None or source.type != "base64":
        return UNKNOWN_IMAGE_TOKENS
    data = memoryview(source.data)[1:-1]
    return image_tokens(memoryview(_AS_DATA_URL + bytes(data[:_SEEN_OF_IMAGE])), None)
