"""The format that a door's callers speak, as far as serving a request differs by it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shared.errors import SwitchyardError
from shared.wire.chat.answer import splice, text_bytes
from shared.wire.chat.first_content import has_content
from shared.wire.chat.request import ChatRequest, decode_chat
from shared.wire.error_body import encode_error


class Wire(NamedTuple):
    """`read` raises MalformedBody and InvalidField. The other half is the provider's dialect.

    `has_content`: whether events of a stream say anything yet. `text_bytes`: how much a JSON answer
    says, for one that reports no usage. `splice` puts `_metadata` into a JSON answer.
    """

    read: Callable[[bytes], ChatRequest]
    has_content: Callable[[bytes], bool]
    text_bytes: Callable[[bytes], int]
    splice: Callable[[bytes, bytes], bytes]
    error_body: Callable[[SwitchyardError], bytes]
    error_event: Callable[[SwitchyardError], bytes]


def _error_event(error: SwitchyardError) -> bytes:
    return b"data: %b\n\n" % encode_error(error)


CHAT = Wire(decode_chat, has_content, text_bytes, splice, encode_error, _error_event)
