"""POST /api/v1/llm/chat/completions: HTTP in, HTTP out.

A raw ASGI handler, for its 60 to 90 us a request (infra/decisions/transport.md): so it checks the
method and the size itself, and maps its own errors.
"""

from __future__ import annotations

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Send
from litestar.types import Scope as AnyScope

from functions.chat_completions.complete import Completions
from functions.chat_completions.exchange import Exchange
from functions.chat_completions.plan import Planner, want_of
from shared.answer_errors import as_switchyard_error, log_failure
from shared.auth.authenticator import Authenticator
from shared.auth.credential import credential_of
from shared.auth.guards import check_scope
from shared.auth.own_keys import OwnKeys
from shared.auth.scope import Scope
from shared.catalog.watch import SnapshotKeeper
from shared.errors import BodyTooLarge, MethodNotAllowed, SwitchyardError
from shared.function import MAX_BODY_BYTES
from shared.resources import Resources
from shared.wire.chat.request import decode_chat
from shared.wire.error_body import encode_error, error_headers

PATHS = ("/api/v1/llm/chat/completions", "/v1/chat/completions")


class Endpoint:
    """The route's service: authenticate, decode, plan, complete."""

    def __init__(
        self,
        authenticator: Authenticator,
        keeper: SnapshotKeeper,
        own_keys: OwnKeys,
        planner: Planner,
        completions: Completions,
    ) -> None:
        self._authenticator = authenticator
        self._keeper = keeper
        self._own_keys = own_keys
        self._completions = completions
        self._planner = planner

    async def serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            _check_method(scope)
            if self._keeper.is_stale:
                await self._keeper.catch_up()
            authorization = _credential(exchange, scope)
            exchange.caller = self._authenticator.recall(
                authorization
            ) or await self._authenticator.authenticate(authorization)
            check_scope(exchange.caller, Scope.COMPLETIONS)
            exchange.chat = decode_chat(await read_body(exchange))
            snapshot = self._keeper.snapshot
            keyed = self._completions.targets.keyed(snapshot)
            user_id = exchange.caller.user_id
            own_keys = self._own_keys.recall(user_id)
            if own_keys is None:
                own_keys = await self._own_keys.load(user_id)
            want = want_of(exchange.chat, exchange.caller, exchange.headers, keyed, own_keys)
            exchange.choice = await self._planner.plan(snapshot, want)
            await self._completions.complete(exchange)
        except Exception as error:  # noqa: BLE001  the one place where this route's errors are mapped
            await answer_error(exchange, error)


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def chat_completions(scope: AnyScope, receive: Receive, send: Send) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1003, "reason": "not a WebSocket route"})
        return
    resources: Resources = scope["litestar_app"].state.resources
    await resources.get(Endpoint).serve(scope, receive, send)


def _credential(exchange: Exchange, scope: HTTPScope) -> bytes:
    """The list of headers is gone through only where there may be a second credential in it."""
    headers = exchange.headers
    if b"x-api-key" in headers or len(headers) != len(scope["headers"]):  # pyright: ignore[reportArgumentType]
        return credential_of(scope["headers"])
    return headers.get(b"authorization", b"")


def _check_method(scope: HTTPScope) -> None:
    if scope["method"] != "POST":
        raise MethodNotAllowed("Send completions with POST.")


async def read_body(exchange: Exchange) -> bytes:
    """The request's body. Raises BodyTooLarge at 25 MB, without reading the rest."""
    length = exchange.headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise BodyTooLarge("The body is larger than 25 MB; send images by URL or make it smaller.")
    message = await exchange.receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message["body"]
    chunks: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        chunks.append(message["body"])
        size += len(message["body"])
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(
                "The body is larger than 25 MB; send images by URL or make it smaller."
            )
        if not message.get("more_body"):
            break
        message = await exchange.receive()
    return b"".join(chunks)


async def answer_error(exchange: Exchange, error: Exception) -> None:
    """Send the error, unless the answer has begun; log what nobody foresaw."""
    answer: SwitchyardError = as_switchyard_error(error)
    log_failure(error, answer, exchange.request_id)
    if exchange.response_started:
        return
    body = encode_error(answer)
    request_id = exchange.request_id.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        *((name.encode(), value.encode()) for name, value in error_headers(answer)),
    ]
    if isinstance(answer, MethodNotAllowed):
        headers.append((b"allow", b"POST"))
    await exchange.send(
        {"type": "http.response.start", "status": answer.status, "headers": headers}
    )
    await exchange.send({"type": "http.response.body", "body": body, "more_body": False})
