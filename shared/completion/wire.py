"""The format that a door's callers speak, as far as serving a request differs by it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from shared.errors import SwitchyardError
from shared.routing.fit import RoutingRequest
from shared.wire.chat.answer import Completion, splice, text_tokens
from shared.wire.chat.first_content import has_content
from shared.wire.chat.request import ChatRequest, decode_chat
from shared.wire.chat.whole_stream import WholeAnswer, gather
from shared.wire.dialect import Dialect, Reader
from shared.wire.error_body import encode_error


class Whole(Reader, Protocol):
    """A whole answer to be sent as a stream; `first` is all but its end."""

    def first(self) -> bytes: ...


class OpenWhole(Protocol):
    def __call__(self, completion: Completion, *, show_usage: bool) -> Whole: ...


class WriteErrorEvent(Protocol):
    def __call__(
        self, error: SwitchyardError, request_id: str, reader: Reader | None = None
    ) -> bytes: ...


Narrow = Callable[[ChatRequest, RoutingRequest], RoutingRequest]


class Wire(NamedTuple):
    """`read` takes a body and the headers beside it; it raises MalformedBody and InvalidField.

    `over`: how a request of this door is put to a provider of that dialect; what such a dialect
    answers is in this door's words. `has_content`: whether events of a stream say anything yet.
    `text_tokens`: how much a JSON answer says, for one that reports no usage. `whole` and `gather`:
    JSON answered to a stream request, and the other way round. `splice` puts `_metadata` into a
    JSON answer. Errors are written with the request's id; in a stream they tell how far `reader`
    came. `narrow`: what the door asks of a model beside what chat does. `claim`: the request as one
    of a user's, by id; it raises InvalidField where what is in it is another's. `may_widen`:
    whether a request goes as it came where `narrow` leaves nobody to serve it.
    """

    endpoint: str
    read: Callable[[bytes, Mapping[bytes, bytes]], ChatRequest]
    over: Callable[[Dialect, ChatRequest], Dialect]
    has_content: Callable[[bytes], bool]
    text_tokens: Callable[[bytes], int]
    whole: OpenWhole
    gather: Callable[[bytes], bytes]
    splice: Callable[[bytes, bytes], bytes]
    error_body: Callable[[SwitchyardError, str], bytes]
    error_event: WriteErrorEvent
    narrow: Narrow | None = None
    claim: Callable[[ChatRequest, str], ChatRequest] | None = None
    may_widen: Callable[[ChatRequest], bool] | None = None


def _read(body: bytes, _headers: Mapping[bytes, bytes]) -> ChatRequest:
    return decode_chat(body)


def _as_it_is(dialect: Dialect, _chat: ChatRequest) -> Dialect:
    return dialect


def error_body(error: SwitchyardError, _request_id: str) -> bytes:
    return encode_error(error)


def error_event(error: SwitchyardError, request_id: str, reader: Reader | None = None) -> bytes:
    return b"data: %b\n\n" % encode_error(error)


CHAT = Wire(
    "chat",
    _read,
    _as_it_is,
    has_content,
    text_tokens,
    WholeAnswer,
    gather,
    splice,
    error_body,
    error_event,
)
