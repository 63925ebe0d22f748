"""Who asks for what: the token from memory, the body, and what else is read of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar.types import HTTPScope, Receive

from shared.answer_errors import MAX_BODY_BYTES
from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.auth.credential import credential_of
from shared.auth.guards import check_scope
from shared.auth.scope import Scope
from shared.beside import HEAVY_BYTES, beside
from shared.catalog.watch import SnapshotKeeper
from shared.completion.wire import Wire
from shared.errors import BodyTooLarge, BodyTooSlow, MethodNotAllowed, RequestRefused
from shared.limits.book import Subjects
from shared.limits.quotes import Quote, Quotes, digest_of
from shared.telemetry.trace_context import TraceContext, trace_context
from shared.wire.chat.labels import HEADER as TAGS_HEADER
from shared.wire.chat.labels import sound_tags, tags_of_header
from shared.wire.chat.request import ChatRequest
from shared.wire.text import clean_bytes

BODY_S = 600.0
"""From a body's first piece to its last: 25 MB at the pace of a slow line. Drop by drop it would be
held for days.
"""

Hold = Callable[[int], None]
"""Client.hold."""

_QUOTE_HEADER = b"x-quote-id"
_MAX_DIGITS = len(str(MAX_BODY_BYTES))
# Python 3.11 looks a member up by a call, and this is asked in each request.
_COMPLETIONS = Scope.COMPLETIONS


class Asked(msgspec.Struct, frozen=True):
    """One request, as it came in. `started` is time.perf_counter() seconds.

    Texts of callers have passed the guard of wire/text.py: `session_id`, `task_type` and
    `user_agent` are what is used and what the usage row says. `trace` None: traces are not kept.
    `quote`: what the request may cost at most, redeemed by it.
    """

    request_id: str
    started: float
    wire: Wire
    caller: Caller
    chat: ChatRequest
    headers: Mapping[bytes, bytes]
    client_ip: str | None
    user_agent: str | None
    session_id: str | None
    task_type: str | None
    end_user: str | None
    tags: tuple[str, ...]
    trace: TraceContext | None = None
    quote: Quote | None = None

    @property
    def who(self) -> Subjects:
        """Whom limits may be for."""
        caller = self.caller
        return Subjects(
            *(caller.token_id, caller.user_id, caller.team_id, caller.tier),
            *(self.end_user, self.tags),
        )

    @property
    def drawn_by(self) -> str:
        """What decides among equals: a request without a session is one of its own."""
        return self.session_id or self.request_id


def asked_of(
    wire: Wire,
    chat: ChatRequest,
    caller: Caller,
    scope: HTTPScope,
    headers: Mapping[bytes, bytes],
    *,
    request_id: str,
    started: float,
    end_user_headers: tuple[bytes, ...] = (),
    trace: TraceContext | None = None,
) -> Asked:
    """`headers` are those of `scope`, the last of a name; `end_user_headers` name the end user,
    before what the body says.
    """
    client = scope["client"]
    if TAGS_HEADER in headers:
        chat = _with_tags(chat, headers[TAGS_HEADER])
    return Asked(
        request_id=request_id,
        started=started,
        wire=wire,
        caller=caller,
        chat=chat if wire.claim is None else wire.claim(chat, caller.user_id),
        headers=headers,
        client_ip=client[0] if client else None,
        user_agent=clean_bytes(headers.get(b"user-agent")),
        session_id=clean_bytes(headers.get(b"x-session-id")) or chat.session,
        task_type=chat.task_type or clean_bytes(headers.get(b"x-task-type")),
        end_user=_named(headers, end_user_headers) or chat.end_user,
        tags=chat.tags,
        trace=trace,
    )


def _with_tags(chat: ChatRequest, value: bytes) -> ChatRequest:
    """The request with the tags of its header before those of its body."""
    said = tags_of_header(value)
    both = sound_tags((*said.tags, *chat.tags))
    is_whole = said.is_whole and both.is_whole
    left_out = chat.left_out if is_whole else (*chat.left_out, TAGS_HEADER.decode())
    return msgspec.structs.replace(chat, tags=both.tags, left_out=left_out)


def names_of(headers: str) -> tuple[bytes, ...]:
    """Names of headers with commas between them, as ASGI has them: in lower case."""
    names = (name.strip().lower() for name in headers.split(","))
    return tuple(name.encode() for name in names if name)


def _named(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> str | None:
    for name in names:
        if name in headers and (value := clean_bytes(headers[name])) is not None:
            return value
    return None


class Admission:
    """Lets requests in whose token may complete; one a process."""

    def __init__(
        self,
        authenticator: Authenticator,
        keeper: SnapshotKeeper,
        end_user_headers: tuple[bytes, ...] = (),
        *,
        keeps_traces: bool = False,
        quotes: Quotes | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._keeper = keeper
        self._end_user_headers = end_user_headers
        self._keeps_traces = keeps_traces
        self._quotes = quotes

    async def admit(
        self,
        wire: Wire,
        scope: HTTPScope,
        receive: Receive,
        hold: Hold,
        *,
        request_id: str,
        started: float,
    ) -> Asked:
        """Raises what the request is refused with before anything is chosen for it."""
        if scope["method"] != "POST":
            raise MethodNotAllowed("Send completions with POST.")
        if self._keeper.is_stale:
            await self._keeper.catch_up()
        headers = dict(scope["headers"])
        authorization = _credential(headers, scope)
        caller = self._authenticator.recall(
            authorization
        ) or await self._authenticator.authenticate(authorization)
        check_scope(caller, _COMPLETIONS)
        body = await read_body(headers, receive, hold)
        chat = await read_chat(wire, body, headers)
        trace = (
            trace_context(request_id, headers.get(b"traceparent")) if self._keeps_traces else None
        )
        asked = asked_of(
            *(wire, chat, caller, scope, headers),
            request_id=request_id,
            started=started,
            end_user_headers=self._end_user_headers,
            trace=trace,
        )
        if _QUOTE_HEADER in headers and self._quotes is not None:
            quote = await self._quotes.redeem(
                headers[_QUOTE_HEADER].decode("latin-1"),
                *(caller.user_id, digest_of(body), wire.endpoint),
            )
            asked = msgspec.structs.replace(asked, quote=quote)
        return asked


async def read_chat(wire: Wire, body: bytes, headers: Mapping[bytes, bytes]) -> ChatRequest:
    """The request that `body` is; a large one is read beside the event loop. Raises as `read`."""
    if len(body) <= HEAVY_BYTES:
        return wire.read(body, headers)
    return await beside(wire.read, body, headers)


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, hold: Hold) -> bytes:
    """The request's body. Raises BodyTooLarge at 25 MB, without reading the rest; RequestRefused
    where the client hangs up before its end or takes BODY_S, whatever has come until then; and as
    `hold`, which is told of large ones.
    """
    length = headers.get(b"content-length", b"").lstrip(b"0")
    if length.isdigit() and (len(length) > _MAX_DIGITS or int(length) > MAX_BODY_BYTES):
        raise _too_large()
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = message["body"]
        if len(body) > HEAVY_BYTES:
            hold(len(body))
        return body
    try:
        async with asyncio.timeout(BODY_S):
            return await _joined(message, receive, hold)
    except TimeoutError as error:
        raise BodyTooSlow(f"The body took longer than {BODY_S:g} s.") from error


async def _joined(message: Any, receive: Receive, hold: Hold) -> bytes:
    # In one piece, which goes back to the system when it is let go; thousands of pieces do not.
    body = bytearray()
    while message["type"] == "http.request":
        more = message["body"]
        if len(body) + len(more) > MAX_BODY_BYTES:
            raise _too_large()
        hold(len(more))
        body += more
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()
    raise RequestRefused("The connection ended before the body did.", code="body_incomplete")


def _too_large() -> BodyTooLarge:
    return BodyTooLarge("The body is larger than 25 MB; send images by URL or make it smaller.")


def _credential(headers: Mapping[bytes, bytes], scope: HTTPScope) -> bytes:
    """The list of headers is gone through only where there may be a second credential in it."""
    if b"x-api-key" in headers or len(headers) != len(scope["headers"]):  # pyright: ignore[reportArgumentType]
        return credential_of(scope["headers"])
    return headers.get(b"authorization", b"")
