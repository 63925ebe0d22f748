"""Thoughts that a model signed, on their way through a client that speaks Responses.

Claude's thinking blocks go back to Claude whole (platform.claude.com, "Extended thinking"); an item
has `encrypted_content` for what clients keep and send back unread.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from shared.wire.parse.lenient import encode

_MARK: Final = "thinking_blocks:"
SignedBlock = dict[str, msgspec.Raw]

_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def write_signed(blocks: list[SignedBlock]) -> str:
    return _MARK + base64.b64encode(encode(blocks)).decode()


def read_signed(text: str | None) -> list[SignedBlock] | None:
    """The blocks in it; None where it is another's, or nothing of ours any more."""
    if text is None or not text.startswith(_MARK):
        return None
    try:
        return _objects.decode(base64.b64decode(text.removeprefix(_MARK), validate=True))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        return None
