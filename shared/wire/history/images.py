"""Images whose label is not what they are.

Anthropic answers 400 where the media type of a data: URL is not the one that the bytes begin with
(home-assistant/core issue 167208); others take the label's word. Each format's signature: PNG (W3C,
"PNG signature"), JPEG (ITU T.81, SOI), GIF (GIF89a), WebP (RFC 9649, RIFF header).
"""

from __future__ import annotations

import binascii
import re
from typing import Final

_MARK: Final = b";base64,"
_LABELED: Final = re.compile(
    rb'"(?:url|image_url)"\s*:\s*"data:(?P<label>[^";,]*)(?P<more>;[^",]*)?\Z', re.IGNORECASE
)
_HEAD_CHARS: Final = 24
_MOST_BEFORE: Final = 120


def relabel_images(messages: bytes) -> bytes:
    """The messages as JSON, with the true type on each image; the same object if all are true.

    Looks at URLs of image parts alone, never into a text.
    """
    if _MARK not in messages:
        return messages
    pieces: list[bytes] = []
    done, at = 0, messages.find(_MARK)
    while at >= 0:
        begun = max(done, at - _MOST_BEFORE)
        found = _LABELED.search(messages, begun, at)
        if found is not None:
            data = at + len(_MARK)
            real = _media_type(messages[data : data + 2 * _HEAD_CHARS])
            if real is not None and found["label"] not in (real, real.replace(b"/", rb"\/")):
                pieces += (messages[done : found.start("label")], real)
                done = found.end("label")
        at = messages.find(_MARK, at + len(_MARK))
    return b"".join([*pieces, messages[done:]]) if pieces else messages


def _media_type(text: bytes) -> bytes | None:
    """By how base64 `text` of a JSON string begins; None: no image that we know."""
    head = text.replace(rb"\/", b"/")[:_HEAD_CHARS]
    try:
        begin = binascii.a2b_base64(head)
    except binascii.Error:
        return None
    if begin.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"image/png"
    if begin.startswith(b"\xff\xd8\xff"):
        return b"image/jpeg"
    if begin.startswith((b"GIF87a", b"GIF89a")):
        return b"image/gif"
    return b"image/webp" if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP" else None
