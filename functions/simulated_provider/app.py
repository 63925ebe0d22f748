"""The simulated provider: OpenAI's wire without a model behind it. A plain ASGI app, for speed.

Routes are known by the end of the path, so that one process can stand in for many providers,
each under a prefix of its own.
"""

from __future__ import annotations

from functions.simulated_provider import openai_wire as wire
from functions.simulated_provider.answer import answer
from functions.simulated_provider.calls import Calls
from functions.simulated_provider.exchange import (
    Exchange,
    Receive,
    Scope,
    Send,
    rate_limit_headers,
)
from functions.simulated_provider.faults import Faults, UnknownFault, asked_by_model, parse
from functions.simulated_provider.request import BadRequest, ChatRequest, decode


class SimulatedProviderApp:
    """`calls` is this process's own: a server with several workers has as many logs."""

    def __init__(self) -> None:
        self.calls = Calls()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the simulated provider speaks HTTP only, not {scope['type']}")
        method: str = scope["method"]
        path: str = scope["path"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = _key(headers)
        if path.endswith("/__calls"):
            # A call of its own, not in the log: looking must not change what is seen.
            with Exchange(receive, send, Calls().begin(method, path, key)) as exchange:
                await self._show_calls(exchange)
            return
        with Exchange(receive, send, self.calls.begin(method, path, key)) as exchange:
            try:
                await _route(exchange, key, headers.get(b"x-simulate", b"").decode("latin-1"))
            except BadRequest as fault:
                await exchange.json(400, wire.error(str(fault), param=fault.param))
            except UnknownFault as fault:
                await exchange.json(400, wire.error(str(fault), code="unknown_fault"))

    async def _show_calls(self, exchange: Exchange) -> None:
        if exchange.call.method == "DELETE":
            self.calls.clear()
        elif exchange.call.method != "GET":
            await _wrong_method(exchange, b"GET, DELETE")
            return
        await exchange.json(200, self.calls.json())


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _key(headers: dict[bytes, bytes]) -> str | None:
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


async def _route(exchange: Exchange, key: str | None, asked: str) -> None:
    path = exchange.call.path
    chat = path.endswith("/chat/completions")
    listing = path.endswith("/models")
    # The first: model names have slashes in them, and some even "/models/".
    _, card, name = path.partition("/models/")
    if not (chat or listing or card or path.endswith("/key")):
        await exchange.json(404, wire.error(f"Invalid URL ({exchange.call.method} {path})"))
    elif exchange.call.method != ("POST" if chat else "GET"):
        await _wrong_method(exchange, b"POST" if chat else b"GET")
    elif not key or "invalid" in key:
        said = "Incorrect API key provided." if key else "You didn't provide an API key."
        await exchange.json(401, wire.error(said, code="invalid_api_key" if key else None))
    elif chat:
        await _complete(exchange, asked)
    elif listing:
        await _answer_json(exchange, wire.model_list(), parse(asked))
    elif card:
        await _answer_json(exchange, wire.model_card(name), parse(asked_by_model(name), asked))
    else:
        await _answer_json(exchange, wire.key_info(key[-4:]), parse(asked))


async def _wrong_method(exchange: Exchange, allowed: bytes) -> None:
    said = f"Not allowed to {exchange.call.method} on {exchange.call.path}."
    await exchange.json(405, wire.error(said, code="method_not_supported"), [(b"allow", allowed)])


async def _complete(exchange: Exchange, asked: str) -> None:
    request = decode(await exchange.body())
    exchange.call.model = request.model
    exchange.call.stream = bool(request.stream)
    faults = parse(asked_by_model(request.model), asked, request.simulate or "")
    made = answer(request, faults.events)
    if not request.stream or faults.status is not None:
        body = wire.completion(made, request.model, usage=not faults.no_usage)
        await _answer_json(exchange, body, faults)
        return
    await exchange.begin(faults)
    usage = _wants_usage_event(request, faults)
    events = wire.events(made, request.model, faults.events, usage=usage)
    await exchange.stream(events, rate_limit_headers(), faults)


def _wants_usage_event(request: ChatRequest, faults: Faults) -> bool:
    return request.wants_usage_event() and not faults.no_usage


async def _answer_json(exchange: Exchange, body: bytes, faults: Faults) -> None:
    await exchange.begin(faults)
    status = faults.status or 200
    headers = rate_limit_headers(exhausted=status == 429)
    if faults.status is not None:
        body = wire.status_error(status)
        if faults.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % faults.retry_after_s))
    await exchange.json(status, body, headers, cut=faults.cut_after is not None)


app = SimulatedProviderApp()
