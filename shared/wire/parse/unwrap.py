"""Answers in a wrapping that no document tells of: they were paid for, so they are read. Pure.

A list around the answer, bytes behind it, one JSON value a line or in a list where a stream was
asked for, UTF-16 or UTF-32, and gzip that no header tells of. It is looked for only where a body is
no answer as it came.
"""

from __future__ import annotations

import codecs
import json
import zlib
from typing import Any, cast

from shared.wire.parse.sse import data_event

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EVENTS = ("data:", "event:", "id:", "retry:", ":")
_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_MOST_BYTES = 64 << 20
_BETWEEN = " \t\r\n,\x00"
_decode = json.JSONDecoder(strict=False).raw_decode


def is_coded(body: bytes) -> bool:
    """Whether a body is gzip, or UTF-16 or UTF-32, as its first bytes say."""
    return body.startswith(_GZIP) or _is_wide(body)


def _is_wide(body: bytes) -> bool:
    return body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)) or (
        body[:2] in (b"{\0", b"\0{", b"d\0", b"\0d", b"[\0", b"\0[")
    )


def unwrapped(body: bytes) -> bytes | None:
    """The answer that `body` holds, as JSON or as server-sent events; None where it holds none."""
    if body.startswith(_GZIP):
        body = _inflated(body)
    text = _text(body)
    if text is None:
        return None
    if text.lstrip().startswith(_EVENTS):
        return text.encode()
    values = _values(text)
    if not values:
        return None
    if _is_piece(values[0][0]):
        return b"".join(data_event(raw.encode()) for _, raw in values)
    return values[0][1].encode()


def _inflated(body: bytes) -> bytes:
    """No more than _MOST_BYTES of it; nothing where it is not gzip after all."""
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(body, _MOST_BYTES)
    except zlib.error:
        return b""


def _text(body: bytes) -> str | None:
    for mark, coding in _MARKS:
        if body.startswith(mark):
            return _decoded(body, coding)
    if _is_wide(body):
        return _decoded(body, "utf-16-le" if body[1:2] == b"\0" else "utf-16-be")
    return _decoded(body, "utf-8-sig")


def _decoded(body: bytes, coding: str) -> str | None:
    try:
        return body.decode(coding)
    except UnicodeDecodeError:
        return None


def _values(text: str) -> list[tuple[Any, str]]:
    """Each object that stands in the text one behind the other, in a list or not, as it is."""
    text = text.strip().removeprefix("[")
    found: list[tuple[Any, str]] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BETWEEN:
            at += 1
        if text[at : at + 1] != "{":
            return found
        try:
            value, end = _decode(text, at)
        except (ValueError, RecursionError):
            return found
        found.append((value, text[at:end]))
        at = end


def _is_piece(value: object) -> bool:
    """Whether it is an event of a stream, of chat's or of Messages'."""
    fields = cast(dict[str, Any], value)
    if fields.get("type") == "message_start":
        return True
    choices = fields.get("choices")
    return isinstance(choices, list) and any(
        isinstance(one, dict) and "delta" in one for one in cast(list[object], choices)
    )
