"""A provider's wire without a model. A plain ASGI app whose only dependency is msgspec.

The end of a path says what is asked for, so that one process can stand in for many providers, each
under a prefix of its own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from functions.simulated_provider import embeddings, openai_wire
from functions.simulated_provider.answer import Answer, answer
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest
from functions.simulated_provider.wires import RESPONSES, Wire, is_model, wire_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# What the free endpoints take, so that checks of health show times that differ.
_FREE_MS = {
    "anthropic": 44,
    "fireworks": 20,
    "google": 12,
    "groq": 4,
    "openai": 36,
    "openrouter": 52,
    "together": 28,
}
_EMBEDS = "/embeddings"
_COMPLETES = ("/chat/completions", "/messages", "/responses", _EMBEDS)


class SimulatedProvider:
    """`answer` is what to say to a request."""

    def __init__(self, answer: Callable[[ChatRequest], Answer] = answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the simulated provider speaks HTTP only, not {scope['type']}")
        wire = wire_of(scope["path"])
        request_id = "req_sim_" + secrets.token_hex(12)
        named = [(wire.id_header, request_id.encode())]
        try:
            await self._route(scope, receive, _Reply(send, named), wire)
        except Refused as refused:
            if refused.allow is not None:
                named.append((b"allow", refused.allow.encode()))
            body = wire.error(refused, request_id)
            await _Reply(send, named).json(body, refused.status)

    async def _route(self, scope: Scope, receive: Receive, reply: _Reply, wire: Wire) -> None:
        method: str = scope["method"]
        path: str = scope["path"]
        # The first: model names have slashes in them, and some even "/models/".
        _, card, name = path.partition("/models/")
        completes = path.endswith(_COMPLETES)
        _, _, kept = path.partition("/responses/")
        if not (completes or card or kept or path.endswith(("/models", "/key"))):
            raise Refused(f"Invalid URL ({method} {path})", status=404)
        allowed = "POST" if completes else "GET, DELETE" if kept else "GET"
        if method not in allowed.split(", "):
            said = f"Not allowed to {method} on {path}."
            raise Refused(said, status=405, code="method_not_supported", allow=allowed)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = key_of(headers)
        wire.authorize(key, headers)
        if path.endswith(_EMBEDS):
            await _embed(await _body(receive), reply, wire)
        elif completes:
            await self._complete(await _body(receive), reply, wire)
        elif kept:
            await reply.json(RESPONSES.delete(kept) if method == "DELETE" else RESPONSES.kept(kept))
        elif card and not path.endswith("/models"):
            if not is_model(name):
                raise wire.no_model(name)
            await reply.json(wire.model_card(name))
        else:
            await asyncio.sleep(_FREE_MS.get(path[1:].partition("/")[0], 0) / 1000)
            is_list = path.endswith("/models")
            await reply.json(
                wire.model_list() if is_list else openai_wire.key_info((key or "")[-4:])
            )

    async def _complete(self, body: bytes, reply: _Reply, wire: Wire) -> None:
        asked = wire.decode(body)
        if not is_model(asked.model):
            raise wire.no_model(asked.model)
        said = self._answer(asked)
        if asked.stream:
            await reply.stream(wire.events(asked, said))
        else:
            await reply.json(wire.completion(asked, said))


async def _embed(body: bytes, reply: _Reply, wire: Wire) -> None:
    asked = embeddings.decode(body)
    if not is_model(asked.model):
        raise wire.no_model(asked.model)
    await reply.json(embeddings.vectors(asked))


class _Reply:
    """`named` are headers of every answer."""

    def __init__(self, send: Send, named: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._named = named

    async def json(self, body: bytes, status: int = 200) -> None:
        await self._head(status, b"application/json", (b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, events: list[bytes]) -> None:
        """An event a write."""
        await self._head(200, b"text/event-stream; charset=utf-8", (b"cache-control", b"no-cache"))
        for event in events:
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _head(self, status: int, content_type: bytes, more: tuple[bytes, bytes]) -> None:
        headers = [(b"content-type", content_type), more, *self._named]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def key_of(headers: dict[bytes, bytes]) -> str | None:
    """The bearer token, else x-api-key; None when neither is sent."""
    sent = headers.get(b"authorization")
    if sent is None:
        sent = headers.get(b"x-api-key")
    if not sent:
        return None
    words = sent.decode("latin-1").split()
    if words and words[0].lower() == "bearer":
        del words[0]
    return " ".join(words) or None


async def _body(receive: Receive) -> bytes:
    """The request's, or as much of it as came before the client left: nobody reads the answer."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


app = SimulatedProvider()
