"""How long the prompt of a chat completion is, in tokens, and what is in it beside text. Pure."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from shared.wire.tokens.media import (
    UNKNOWN_AUDIO,
    UNKNOWN_FILE,
    UNKNOWN_IMAGE_TOKENS,
    UNKNOWN_VIDEO,
    MediaTokens,
    audio_tokens,
    file_tokens,
    image_tokens,
)
from shared.wire.tokens.text import text_weight, tokens_of

TOKENS_A_MESSAGE, TOKENS_A_PROMPT = 3, 3
"""OpenAI cookbook, "How to count tokens with tiktoken": a message's role, and the answer's."""

_MARGIN_A_MESSAGE = 16

_IMAGES = frozenset({"image_url", "image", "input_image"})
_AUDIO = frozenset({"input_audio", "audio_url"})
_VIDEO = frozenset({"video_url", "video", "input_video"})
_FILES = frozenset({"file", "document", "input_file"})
"""Types of parts: OpenAI's, and what other servers call them."""

_ABSENT = msgspec.Raw()


class Message(msgspec.Struct, frozen=True):
    """As much of a message as the gateway reads; it goes upstream untouched."""

    role: str
    content: str | list[msgspec.Raw] | None = None
    tool_calls: msgspec.Raw = _ABSENT


class Prompt(msgspec.Struct, frozen=True):
    """`text_tokens` are those of messages and tools; media apart, `audio` and `files` None where
    there are none. An image's tokens at most are the provider's to say, so they are counted.
    """

    text_tokens: int
    messages: int
    images: int = 0
    image_tokens: int = 0
    audio: MediaTokens | None = None
    files: MediaTokens | None = None

    @property
    def tokens(self) -> int:
        """The expected tokens: for routing, prices, and what is billed where nobody counted."""
        audio = 0 if self.audio is None else self.audio.expected
        files = 0 if self.files is None else self.files.expected
        return self.text_tokens + self.image_tokens + audio + files

    @property
    def most_text_tokens(self) -> int:
        """The bound of its text: 1.25 times the estimate and 16 tokens a message."""
        return -(-self.text_tokens * 5 // 4) + _MARGIN_A_MESSAGE * self.messages


class _ImageUrl(msgspec.Struct, frozen=True):
    url: msgspec.Raw = _ABSENT
    detail: msgspec.Raw = _ABSENT


class _Audio(msgspec.Struct, frozen=True):
    data: msgspec.Raw = _ABSENT


class _File(msgspec.Struct, frozen=True):
    file_data: msgspec.Raw = _ABSENT


class _Function(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct, frozen=True):
    function: _Function = _Function()


_Fields: TypeAlias = dict[str, msgspec.Raw]
_part = msgspec.json.Decoder(_Fields)
_any_text = msgspec.json.Decoder(str)
_image_url = msgspec.json.Decoder(_ImageUrl)
_audio = msgspec.json.Decoder(_Audio)
_file = msgspec.json.Decoder(_File)
_calls: msgspec.json.Decoder[list[_Call] | None] = msgspec.json.Decoder(list[_Call] | None)


def read_prompt(messages: list[Message], schemas: list[bytes]) -> Prompt:
    """`schemas`: tools and the like, as JSON. A part that is not understood counts as text."""
    texts: list[str] = []
    media: _Media | None = None
    for message in messages:
        content = message.content
        if isinstance(content, str):
            texts.append(content)
        elif content is not None:
            media = media or _Media()
            for part in content:
                media.take(part, texts)
        if message.tool_calls is not _ABSENT:
            texts.extend(_texts_of_calls(message.tool_calls))
    weight = text_weight(texts[0] if len(texts) == 1 else "\n".join(texts))
    for schema in schemas:
        weight += text_weight(schema.decode())
    text_tokens = tokens_of(weight) + TOKENS_A_MESSAGE * len(messages) + TOKENS_A_PROMPT
    if media is None:
        return Prompt(text_tokens, len(messages))
    return Prompt(
        text_tokens, len(messages), media.images, media.image_tokens, media.audio, media.files
    )


class _Media:
    """Adds up what is in the parts of messages."""

    def __init__(self) -> None:
        self.images = self.image_tokens = 0
        self.audio: MediaTokens | None = None
        self.files: MediaTokens | None = None

    def take(self, raw: msgspec.Raw, texts: list[str]) -> None:
        try:
            part = _part.decode(raw)
        except msgspec.DecodeError:
            texts.append(bytes(raw).decode())
            return
        kind = _text_of(part.get("type")) or ""
        text = _text_of(part.get("text")) or _text_of(part.get("refusal"))
        if text or kind in ("text", "refusal"):
            texts.append(text or "")
        elif "image_url" in part or kind in _IMAGES:
            self.images += 1
            self.image_tokens += _tokens_of_image(part.get("image_url"))
        elif "input_audio" in part or kind in _AUDIO:
            self.audio = _plus(self.audio, _tokens_of_audio(part.get("input_audio")))
        elif "video_url" in part or kind in _VIDEO:
            self.files = _plus(self.files, UNKNOWN_VIDEO)
        elif "file" in part or kind in _FILES:
            # Responses have the data beside the type.
            file = raw if "file_data" in part else part.get("file")
            self.files = _plus(self.files, _tokens_of_file(file))
        else:
            texts.append(bytes(raw).decode())


def _tokens_of_image(raw: msgspec.Raw | None) -> int:
    if raw is None:
        return UNKNOWN_IMAGE_TOKENS
    try:
        image = _ImageUrl(raw) if bytes(memoryview(raw)[:1]) == b'"' else _image_url.decode(raw)
    except msgspec.DecodeError:
        return UNKNOWN_IMAGE_TOKENS
    return image_tokens(_inside(image.url), _text_of(image.detail))


def _tokens_of_audio(raw: msgspec.Raw | None) -> MediaTokens:
    try:
        data = _inside(_audio.decode(raw).data) if raw is not None else None
    except msgspec.DecodeError:
        data = None
    return audio_tokens(data) if data else UNKNOWN_AUDIO


def _tokens_of_file(raw: msgspec.Raw | None) -> MediaTokens:
    """Of a file that is named by an id or a URL alone nothing is known."""
    try:
        data = _inside(_file.decode(raw).file_data) if raw is not None else None
    except msgspec.DecodeError:
        data = None
    return file_tokens(data) if data else UNKNOWN_FILE


def _texts_of_calls(raw: msgspec.Raw) -> list[str]:
    try:
        calls = _calls.decode(raw)
    except msgspec.DecodeError:
        return [bytes(raw).decode()]
    return [text for call in calls or () for text in (call.function.name, call.function.arguments)]


def _inside(raw: msgspec.Raw) -> memoryview:
    """The characters of a JSON string as they stand, not copied."""
    return memoryview(raw)[1:-1]


def _text_of(raw: msgspec.Raw | None) -> str | None:
    try:
        return _any_text.decode(raw) if raw else None
    except msgspec.DecodeError:
        return None


def _plus(some: MediaTokens | None, more: MediaTokens) -> MediaTokens:
    if some is None:
        return more
    return MediaTokens(some.expected + more.expected, some.most + more.most)
