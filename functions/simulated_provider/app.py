"""The simulated provider: many providers' wires without a model. A plain ASGI app, for speed.

Routes are known by the end of the path, so that one process can stand in for many providers,
each under a prefix of its own; the prefix's first segment says whose quirks the answer has.
"""

from __future__ import annotations

from functions.simulated_provider import openai_wire
from functions.simulated_provider.answer import answer
from functions.simulated_provider.calls import Calls
from functions.simulated_provider.exchange import Exchange, Headers, Receive, Scope, Send
from functions.simulated_provider.faults import Faults, UnknownFault, asked_by_model, parse
from functions.simulated_provider.openai_provider import OpenAI
from functions.simulated_provider.providers import provider_of
from functions.simulated_provider.refused import Refused

# docs.litellm.ai/docs/proxy/health: no key, this text, and two spellings.
_LIVELINESS = ("/health/liveliness", "/health/liveness")
_ALIVE = b'"I\'m alive!"'


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
        provider = provider_of(path)
        # Looking at the log is a call of its own, not in it: that must not change what is seen.
        looks = path.endswith("/__calls")
        call = (Calls() if looks else self.calls).begin(method, path, key)
        with Exchange(receive, send, call, provider.id_header) as exchange:
            try:
                if looks:
                    await self._show_calls(exchange)
                else:
                    await _route(exchange, provider, key, headers)
            except UnknownFault as fault:
                await _refuse(exchange, provider, Refused(str(fault), code="unknown_fault"))
            except Refused as refused:
                await _refuse(exchange, provider, refused)

    async def _show_calls(self, exchange: Exchange) -> None:
        _allow(exchange, "GET", "DELETE")
        if exchange.call.method == "DELETE":
            self.calls.clear()
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


def _allow(exchange: Exchange, *methods: str) -> None:
    """Raises Refused for any other method."""
    call = exchange.call
    if call.method not in methods:
        raise Refused(
            f"Not allowed to {call.method} on {call.path}.",
            status=405,
            code="method_not_supported",
            allow=", ".join(methods),
        )


async def _refuse(exchange: Exchange, provider: OpenAI, refused: Refused) -> None:
    headers = [] if refused.allow is None else [(b"allow", refused.allow.encode())]
    body = provider.refusal(refused, exchange.request_id)
    await exchange.json(refused.status, body, headers)


async def _route(
    exchange: Exchange, provider: OpenAI, key: str | None, headers: dict[bytes, bytes]
) -> None:
    path = exchange.call.path
    asked = headers.get(b"x-simulate", b"").decode("latin-1")
    completes = path.endswith(("/chat/completions", "/messages"))
    lists = path.endswith("/models")
    # The first: model names have slashes in them, and some even "/models/".
    _, card, name = path.partition("/models/")
    if path.startswith("/litellm/") and path.endswith(_LIVELINESS):
        _allow(exchange, "GET")
        await _answer(exchange, provider, _ALIVE, [], parse(asked))
        return
    if not (completes or lists or card or path.endswith("/key")):
        raise Refused(f"Invalid URL ({exchange.call.method} {path})", status=404)
    _allow(exchange, "POST" if completes else "GET")
    provider.authorize(key, headers)
    if completes:
        await _complete(exchange, provider, asked)
    elif lists:
        faults = parse(f"delay-{provider.list_ms}", asked)
        await _answer(exchange, provider, provider.model_list(), [], faults)
    elif card:
        faults = parse(asked_by_model(name), asked)
        await _answer(exchange, provider, provider.model_card(name), [], faults)
    else:
        body = openai_wire.key_info((key or "")[-4:])
        await _answer(exchange, provider, body, [], parse(f"delay-{provider.list_ms}", asked))


async def _complete(exchange: Exchange, provider: OpenAI, asked: str) -> None:
    request = provider.decode(await exchange.body())
    exchange.call.model = request.model
    exchange.call.stream = bool(request.stream)
    faults = parse(asked_by_model(request.model), asked, request.simulate or "")
    made = answer(request, faults.events)
    provider.check(request, made)
    if not request.stream or faults.status is not None:
        if faults.error_after is not None and faults.status is None:
            body = provider.late_error(exchange.request_id)
            await _answer(exchange, provider, body, [], faults, provider.late_status)
            return
        body, headers = provider.completion(request, made, faults)
        await _answer(exchange, provider, body, headers, faults)
        return
    await exchange.begin(faults)
    events, headers = provider.events(request, made, faults)
    if faults.error_after is not None and faults.error_after < len(events):
        error = provider.error_event(request, exchange.request_id)
        events[faults.error_after :] = [error]
    headers += provider.rate_limits()
    await exchange.stream(events, headers, faults, provider.opening)


async def _answer(
    exchange: Exchange,
    provider: OpenAI,
    body: bytes,
    headers: Headers,
    faults: Faults,
    status: int = 200,
) -> None:
    """The body, or instead of it the status that the faults ask for."""
    await exchange.begin(faults)
    if faults.status is not None:
        status, headers = faults.status, []
        body = provider.status_error(status, exchange.request_id)
        if faults.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % faults.retry_after_s))
    headers += provider.rate_limits(exhausted=status == 429)
    await exchange.json(status, body, headers, cut=faults.cut_after is not None)


app = SimulatedProviderApp()
