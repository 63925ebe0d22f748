"""The simulated provider, told how to behave: faults on demand, each provider's manners, a log.

    what was asked -> the shipped provider's answer to it -> the provider's manners -> the faults

The shipped one is not changed: it is asked in this process, and told only what to say.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from functions.simulated_provider.answer import Answer, answer, json_for, pieces, saying, text_for
from functions.simulated_provider.app import Receive, Scope, Send, SimulatedProvider, key_of
from functions.simulated_provider.request import ChatRequest
from tests.fakes.scripted_provider.asked import Asked, asked_of
from tests.fakes.scripted_provider.calls import Calls
from tests.fakes.scripted_provider.exchange import Exchange, Headers
from tests.fakes.scripted_provider.faults import NONE, Faults, UnknownFault, asked_by_model, parse
from tests.fakes.scripted_provider.manners import OpenAI
from tests.fakes.scripted_provider.patches import without_usage
from tests.fakes.scripted_provider.providers import manners_of

# docs.litellm.ai/docs/proxy/health: no key, this text, and two spellings.
_LIVELINESS = ("/health/liveliness", "/health/liveness")
_ALIVE = b'"I\'m alive!"'


@dataclass
class Shipped:
    """What the shipped provider answered: `parts` as they were sent, `said` where it got so far."""

    parts: list[bytes]
    status: int = 0
    headers: Headers = field(default_factory=list)
    said: Answer | None = None

    @property
    def request_id(self) -> str:
        return next(value.decode() for name, value in self.headers if name.endswith(b"request-id"))


class ScriptedProvider:
    """`calls` is this process's own: a server with several workers has as many logs."""

    def __init__(self) -> None:
        self.calls = Calls()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await SimulatedProvider()(scope, receive, send)
            return
        path: str = scope["path"]
        # Looking at the log is a call of its own, not in it: that must not change what is seen.
        looks = path.endswith("/__calls")
        key = key_of(dict(scope["headers"]))
        call = (Calls() if looks else self.calls).begin(scope["method"], path, key)
        with Exchange(receive, send, call) as exchange:
            if looks and scope["method"] in ("GET", "DELETE"):
                await self._show_calls(exchange)
            else:
                await _serve(exchange, scope)

    async def _show_calls(self, exchange: Exchange) -> None:
        if exchange.call.method == "DELETE":
            self.calls.clear()
        await exchange.json(200, self.calls.json(), [])


async def _serve(exchange: Exchange, scope: Scope) -> None:
    path: str = scope["path"]
    manners = manners_of(path)
    body = await exchange.body()
    asked = asked_of(body)
    exchange.call.model, exchange.call.stream = asked.model, bool(asked.stream)
    header = dict(scope["headers"]).get(b"x-simulate", b"").decode("latin-1")
    name = asked.model or path.partition("/models/")[2]
    unknown: UnknownFault | None = None
    faults = NONE
    try:
        by_name = asked_by_model(asked.user or "") or asked_by_model(name)
        faults = parse(by_name, header, asked.simulate or "")
    except UnknownFault as fault:
        unknown = fault
    shipped = await _ask_shipped(scope, body, asked, faults)
    headers = [one for one in shipped.headers if one[0].endswith((b"request-id", b"allow"))]
    if path.startswith("/litellm/") and path.endswith(_LIVELINESS):
        if exchange.call.method != "GET":
            await exchange.json(405, manners.error(405, "GET only", shipped.request_id), headers)
            return
        shipped = replace(shipped, status=200, parts=[_ALIVE])
    refused = _refusal(shipped, manners, asked, unknown)
    if refused is not None:
        await exchange.json(refused[0], refused[1], headers)
        return
    await _answer(exchange, shipped, headers, manners, asked, faults)


def _refusal(
    shipped: Shipped, manners: OpenAI, asked: Asked, unknown: UnknownFault | None
) -> tuple[int, bytes] | None:
    """The status and the body of an answer that no fault can change; None where there is none."""
    if shipped.status >= 400:
        return shipped.status, manners.refusal(shipped.status, shipped.parts[0])
    if unknown is not None:
        return 400, manners.error(400, str(unknown), shipped.request_id, code="unknown_fault")
    if shipped.said is not None and (refused := manners.refuses(asked, shipped.said)) is not None:
        status, message, param = refused
        return status, manners.error(status, message, shipped.request_id, param=param)
    return None


async def _answer(
    exchange: Exchange,
    shipped: Shipped,
    headers: Headers,
    manners: OpenAI,
    asked: Asked,
    faults: Faults,
) -> None:
    await exchange.begin(faults)
    request_id = shipped.request_id
    status, cut = 200, faults.cut_after is not None
    if faults.status is not None:
        status = faults.status
        body = manners.status_error(status, request_id)
        if faults.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % faults.retry_after_s))
    elif shipped.said is None:
        body = manners.free(exchange.call.path, shipped.parts[0])
    elif exchange.call.stream:
        await _stream(exchange, shipped, headers, manners, asked, faults)
        return
    elif faults.error_after is not None:
        status, body = manners.late_status, manners.late_error(request_id)
    else:
        body, more = manners.completion(shipped.parts[0], asked, shipped.said)
        headers += more
        body = without_usage(body) if faults.no_usage else body
    headers += manners.rate_limits(exhausted=status == 429)
    await exchange.json(status, body, headers, cut=cut)


async def _stream(
    exchange: Exchange,
    shipped: Shipped,
    headers: Headers,
    manners: OpenAI,
    asked: Asked,
    faults: Faults,
) -> None:
    assert shipped.said is not None
    parts = [part for part in shipped.parts if part]
    events, more = manners.events(parts, asked, shipped.said)
    if faults.no_usage:
        events = [event for event in map(without_usage, events) if event]
    if faults.error_after is not None and faults.error_after < len(events):
        error = manners.error_event(asked, shipped.request_id)
        events[faults.error_after :] = [error]
    headers += [*more, *manners.rate_limits()]
    await exchange.stream(events, headers, faults, manners.opening)


async def _ask_shipped(scope: Scope, body: bytes, asked: Asked, faults: Faults) -> Shipped:
    shipped = Shipped([])

    def say(request: ChatRequest) -> Answer:
        shipped.said = _say(request, faults)
        return shipped.said

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            shipped.status, shipped.headers = message["status"], message["headers"]
        else:
            shipped.parts.append(message["body"])

    await SimulatedProvider(say)(scope, receive, send)
    return shipped


def _say(request: ChatRequest, faults: Faults) -> Answer:
    said = answer(request)
    if faults.events is None or said.calls or json_for(request) is not None:
        return said
    words = text_for(request).split(" ")
    count = max(faults.events, len(words))
    said = saying(" ".join(words[i % len(words)] for i in range(count)), request)
    return replace(said, pieces=pieces(said.text, faults.events))


app = ScriptedProvider()
