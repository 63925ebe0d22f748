"""What every request of every app passes before its route, whichever server runs the app.

How many are open, under which name we were asked, whose address it is, what a browser may do, and
how the body is compressed. A request that none of this concerns costs one look at its headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shared.answer_errors import as_switchyard_error, error_body_at, log_failure
from shared.doors import cors
from shared.doors.encodings import decoded
from shared.doors.proxies import Network, client_of, networks_of
from shared.doors.texts import MAX_PATH
from shared.errors import NotAllowed, RouteNotFound, ServiceUnavailable, SwitchyardError
from shared.ledger.request_id import new_request_id
from shared.settings import NetworkSettings, Settings, SettingsInvalid, TryOutSettings
from shared.wire.error_body import error_headers

_PROBES = frozenset({"/healthz", "/readyz"})
_OVERLOADED_S = 1.0
_LOCAL = rb"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
_LOCAL_HOST = re.compile(_LOCAL)
_LOCAL_ORIGIN = re.compile(rb"https?://" + _LOCAL)


T = TypeVar("T")


class Rules(NamedTuple):
    """`is_tryout`: the tokens are known to everybody, so only this machine may use them."""

    max_open: int
    origins: frozenset[bytes]
    trusted: tuple[Network, ...]
    is_tryout: bool


def rules_of(settings: Settings) -> Rules:
    """Raises SettingsInvalid, which names the variable."""
    network = settings[NetworkSettings]
    return Rules(
        network.max_open_requests,
        _read("CORS_ORIGINS", cors.origins_of, network.cors_origins),
        _read("TRUSTED_PROXIES", networks_of, network.trusted_proxies),
        settings[TryOutSettings].tokens,
    )


def _read(variable: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsInvalid(f"{variable} is invalid: {error}") from error


class Doors:
    """Stands before an app's routes; `rules` are there once the app has started.

    `direct` are raw handlers by their path, which need nothing of what the router does for others
    (60 us a request); a path that is written otherwise goes through the router all the same.
    """

    def __init__(self, app: ASGIApp, direct: Mapping[str, ASGIApp] | None = None) -> None:
        self.rules: Rules | None = None
        self._app = app
        self._direct = direct or {}
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rules = self.rules
        if scope["type"] != "http" or rules is None:
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            found = dict(scope["headers"])
            if rules.origins and (origin := found.get(b"origin")) in rules.origins:
                if cors.is_preflight(scope["method"], found):
                    await _answer(send, 204, cors.preflight_headers(origin, found))
                    return
                send = _adding(cors.answer_headers(origin), send)
            try:
                self._check(rules, scope, found)
                plain = scope
                if rules.trusted or b"content-encoding" in found or scope["method"] == "HEAD":
                    plain, receive = _plain(rules, scope, found, receive)
            except SwitchyardError as error:
                await refuse(error, scope["path"], send)
                return
            if scope["method"] == "HEAD":
                send = _without_body(send)
            handler = self._direct.get(scope["path"], self._app)
            try:
                await handler(plain, receive, send)
            except Exception as error:
                if handler is self._app:
                    raise
                # Where an answer has begun the server takes no other, and cuts it.
                await refuse(error, scope["path"], send)
        finally:
            self._open -= 1

    def _check(self, rules: Rules, scope: HTTPScope, found: dict[bytes, bytes]) -> None:
        """Raises what the request is refused with, whatever it asks for."""
        if self._open > rules.max_open and scope["path"] not in _PROBES:
            raise ServiceUnavailable(
                "Too many requests are open at this process; try again in a moment.",
                code="too_many_open_requests",
                retry_after_s=_OVERLOADED_S,
            )
        if len(scope["path"]) > MAX_PATH:
            raise RouteNotFound("There is no such route; /openapi/openapi.json lists them.")
        if rules.is_tryout:
            _check_is_local(rules, found)


def _check_is_local(rules: Rules, found: dict[bytes, bytes]) -> None:
    """A page whose name was made to lead to this machine would know both tokens (DNS rebinding)."""
    if not _LOCAL_HOST.fullmatch(found.get(b"host", b"").lower()):
        raise NotAllowed(
            "With the try-out tokens only localhost, 127.0.0.1 and [::1] are served; start without"
            " `switchyard up` to serve others.",
            param="host",
            code="host_not_allowed",
        )
    origin = found.get(b"origin")
    if origin is not None and origin not in rules.origins and not _LOCAL_ORIGIN.fullmatch(origin):
        raise NotAllowed(
            "With the try-out tokens no page of another origin is served; name it in CORS_ORIGINS"
            " if you trust it.",
            param="origin",
            code="origin_not_allowed",
        )


def _plain(
    rules: Rules, scope: HTTPScope, found: dict[bytes, bytes], receive: Receive
) -> tuple[HTTPScope, Receive]:
    """The request as if it had come uncompressed and without proxies; HEAD is GET."""
    changed: dict[str, Any] = {}
    if rules.trusted and b"x-forwarded-for" in found and (peer := scope["client"]) is not None:
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        changed["client"] = (client_of(peer[0], values, rules.trusted), peer[1])
    if scope["method"] == "HEAD":
        changed["method"] = "GET"
    encoding = found.get(b"content-encoding", b"identity")
    if encoding.strip().lower() not in (b"identity", b""):
        receive = decoded(encoding, receive)
        dropped = (b"content-encoding", b"content-length")
        changed["headers"] = [one for one in scope["headers"] if one[0] not in dropped]
    return (cast(HTTPScope, {**scope, **changed}) if changed else scope), receive


def _adding(headers: cors.Headers, send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return adding


def _without_body(send: Send) -> Send:
    async def without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return without_body


async def refuse(error: Exception, path: str, send: Send) -> None:
    """Send `error` as an answer of `path`; what nobody foresaw is logged."""
    answer, request_id = as_switchyard_error(error), new_request_id()
    log_failure(error, answer, request_id)
    headers = [(name.encode(), value.encode()) for name, value in error_headers(answer)]
    headers.append((b"content-type", b"application/json"))
    body = error_body_at(path, answer, request_id)
    await _answer(send, answer.status, headers, body, request_id)


async def is_answered(scope: Scope, send: Send, allow: bytes) -> bool:
    """Whether what came to a raw route was answered here: a WebSocket, or OPTIONS."""
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1003, "reason": "not a WebSocket route"})
        return True
    if scope["method"] == "OPTIONS":
        await answer_options(send, allow)
        return True
    return False


async def answer_options(send: Send, allow: bytes) -> None:
    """What Litestar answers by itself for its own routes."""
    await _answer(send, 204, [(b"allow", allow)])


async def _answer(
    send: Send, status: int, headers: cors.Headers, body: bytes = b"", request_id: str | None = None
) -> None:
    named = (request_id or new_request_id()).encode()
    ids = [(b"x-request-id", named), (b"request-id", named)]
    if body:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *ids]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
