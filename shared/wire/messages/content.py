"""The parts of one message's content as Anthropic's content blocks.

Sources: openai-python, types/chat/chat_completion_content_part_*.py; anthropic-sdk-python,
types/{text,image,document}_block_param.py and the types of their sources; platform.claude.com,
"Vision" (JPEG, PNG, GIF, WebP; base64 or URL), "PDF support", "Prompt caching" (cache_control).
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias

import msgspec

from shared.wire.translated import Drops, refused_content

Block: TypeAlias = dict[str, object]
"""A content block of the Messages API, or another of its objects; values may be raw JSON."""

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
ABSENT = msgspec.Raw()


class _ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None


class _File(msgspec.Struct, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(msgspec.Struct, frozen=True):
    """A content part as OpenAI's clients send it; `cache_control` is Anthropic's own."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: _ImageUrl | str | None = None
    file: _File | None = None
    cache_control: msgspec.Raw = ABSENT


Content: TypeAlias = str | list[Part] | None


def is_given(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"", b"null")


def mark_cached(block: Block, cache_control: msgspec.Raw) -> None:
    """Put the caller's cache breakpoint on `block`, byte for byte."""
    if is_given(cache_control):
        block["cache_control"] = cache_control


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def content_blocks(content: Content, place: str, drops: Drops) -> list[Block]:
    """The blocks of `content`, found at `place`; blank text gives none.

    Anthropic answers 400 to a text block that is empty or all white space, which OpenAI takes
    (anthropics/claude-code, issues 53473 and 23440). Raises InvalidField for a part that has no
    counterpart.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [text_block(content)] if content.strip() else []
    blocks: list[Block] = []
    for index, part in enumerate(content):
        block = _block(part, f"{place}[{index}]", drops)
        if block is not None:
            mark_cached(block, part.cache_control)
            blocks.append(block)
    return blocks


def _block(part: Part, place: str, drops: Drops) -> Block | None:
    if part.type in ("text", "refusal"):
        text = part.text if part.type == "text" else part.refusal
        if text is None:
            raise refused_content(place, f"A part of type {part.type} has no text")
        return text_block(text) if text.strip() else None
    if part.type == "image_url":
        return _image(part.image_url, place, drops)
    if part.type == "file":
        return _document(part.file or _File(), place)
    raise refused_content(place, "Anthropic takes text, images and PDF files, and no other parts")


def _image(image: _ImageUrl | str | None, place: str, drops: Drops) -> Block:
    if image is None:
        raise refused_content(place, "A part of type image_url has no image_url")
    if isinstance(image, str):
        image = _ImageUrl(image)
    if image.detail not in (None, "auto"):
        drops.leave_out(f"{place}.image_url.detail")
    if image.url[:8].lower().startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    if image.url[:5].lower() != "data:":
        raise refused_content(place, "An image's URL must begin with https://, http:// or data:")
    media_type, data = _data_url(image.url, place)
    if media_type == "image/jpg":
        media_type = "image/jpeg"
    if media_type not in IMAGE_TYPES:
        raise refused_content(place, "Anthropic takes images as JPEG, PNG, GIF or WebP")
    return {"type": "image", "source": _base64_source(media_type, data)}


def _document(file: _File, place: str) -> Block:
    if file.file_data is None:
        raise refused_content(
            place, "A file must come as file_data: ids of OpenAI mean nothing here"
        )
    media_type, data = _data_url(file.file_data, place)
    if media_type == "application/pdf":
        source: Block = _base64_source(media_type, data)
    elif media_type == "text/plain":
        source = {"type": "text", "media_type": media_type, "data": _plain_text(data, place)}
    else:
        raise refused_content(place, "Anthropic takes files as application/pdf or text/plain")
    block: Block = {"type": "document", "source": source}
    if file.filename:
        block["title"] = file.filename
    return block


def _base64_source(media_type: str, data: str) -> Block:
    return {"type": "base64", "media_type": media_type, "data": data}


def _data_url(url: str, place: str) -> tuple[str, str]:
    """The media type and the base64 text of a data: URL (RFC 2397)."""
    head, comma, data = url.partition(",")
    kind, *parameters = head[5:].lower().split(";")
    if head[:5].lower() != "data:" or not comma or "base64" not in parameters or not data:
        raise refused_content(place, "It must be a URL of the form data:<media type>;base64,<data>")
    return kind.strip(), data


def _plain_text(data: str, place: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refused_content(place, "The file is not UTF-8 text in base64") from error
