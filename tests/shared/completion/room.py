"""The room in one process: everything of it is real but for the provider, the disk and the tables.

A provider answers what `Room.answers` says, by slug; what was sent is in `Room.sent`. With a
`transport` of its own, each stands at `origin`, and nothing of what was sent is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from functions.routing_rules.explain import Explanation
from functions.routing_rules.route import explain
from shared.auth.caller import Caller, Role
from shared.completion.admit import Admission
from shared.completion.attempts import Attempts
from shared.completion.deliver import Delivery
from shared.completion.report import Reporter
from shared.completion.router import Router
from shared.completion.serve import Completions
from shared.completion.targets import Target
from shared.completion.usage_writer import UsageWriter
from shared.completion.wire import CHAT, Wire
from shared.health.circuits_table import CircuitTable
from shared.ledger.record import UsageFinal, UsageIntent
from shared.routing.choice import Candidate
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Snapshot, Tier
from shared.upstream.origin import Origin, parse_url
from shared.upstream.transport import Transport, UpstreamRequest
from shared.wire.dialect import dialect_of

CALLER = Caller("ann", None, Tier.ENTERPRISE, Role.USER, None, frozenset(), None, None)
SAID = {"role": "assistant", "content": "Hello"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
JSON = json.dumps({"choices": [{"message": SAID}], "model": "m", "usage": USAGE}).encode()
CHUNK = json.dumps({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]})
FINISH = json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
EVENTS = [f"data: {data}\n\n".encode() for data in (CHUNK, FINISH, "[DONE]")]


class Answer:
    """An UpstreamResponse that is there already."""

    def __init__(self, status: int = 200, chunks: Sequence[bytes] = (JSON,)) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_closed = False
        self._chunks = list(chunks)

    def header(self, name: bytes) -> bytes | None:
        return b"text/event-stream" if name == b"content-type" else None

    async def begin(self) -> None:
        """Its head is awaited."""

    def allow(self, size: int) -> None:
        """It is read on for a client that has left."""

    async def read(self) -> bytes:
        return b"".join(self._chunks)

    async def read_refusal(self) -> bytes:
        return await self.read()

    async def next(self) -> bytes | None:
        return self._chunks.pop(0) if self._chunks else None

    def close(self) -> None:
        self.is_closed = True


class Spool:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.intents: list[UsageIntent] = []
        self.finals: list[UsageFinal] = []

    def intent(self, intent: UsageIntent) -> None:
        self.intents.append(intent)

    def final(self, final: UsageFinal) -> None:
        self.finals.append(final)

    def drop(self, request_id: str) -> None:
        self.intents = [one for one in self.intents if one.request_id != request_id]


class Room:
    """Also what it asks of other rooms: `snapshot`, who pays for what, and where providers are."""

    is_stale = False

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        own_keys: tuple[OwnKey, ...] = (),
        funded: frozenset[str] | None = None,
        caller: Caller = CALLER,
        refuses_unpriced: bool = False,
        keeps_traces: bool = False,
    ) -> None:
        self.snapshot = snapshot
        self.caller = caller
        self.spool = Spool()
        self.circuits = CircuitTable()
        self.answers: dict[str, Answer] = {}
        self.tried: list[Candidate] = []
        self.sent: list[UpstreamRequest] = []
        self.transport: Transport | None = None
        self.origin: Origin | None = None
        self._own_keys = own_keys
        self._funded = frozenset(snapshot.providers_by_slug) if funded is None else funded
        this: Any = self
        spool: Any = self.spool
        usage = UsageWriter(spool, Reporter())
        self.router = Router(
            keeper=this,
            access=this,
            own_keys=this,
            circuits=self.circuits,
            refuses_unpriced=refuses_unpriced,
        )
        self.completions = Completions(
            admission=Admission(this, this, keeps_traces=keeps_traces),
            router=self.router,
            attempts=Attempts(
                transport=this, targets=this, usage=usage, circuits=self.circuits, deadline_s=60
            ),
            delivery=Delivery(usage, self.circuits),
        )

    def recall(self, _: object) -> Any:
        """Who calls, by a token; and their keys, by who they are."""
        return self.caller if isinstance(_, bytes) else self._own_keys

    def keyed(self, _: Snapshot) -> frozenset[str]:
        return self._funded

    async def wanted(self, *_: object) -> None:
        return None

    def of(self, candidate: Candidate) -> Target:
        self.tried.append(candidate)
        slug = candidate.model.provider.slug
        origin, path = parse_url(f"https://{slug}.example/v1/chat/completions")
        dialect = dialect_of("openai", "openai", "bearer")
        return Target(dialect, origin, path.encode(), b"", False, False, False, slug)  # noqa: FBT003

    async def opened(self, candidate: Candidate) -> Target:
        return self.of(candidate)

    async def send(self, request: UpstreamRequest, *, deadline: float) -> Any:
        self.sent.append(request)
        if self.transport is not None and self.origin is not None:
            self.sent.clear()
            there = msgspec.structs.replace(request, origin=self.origin, may_be_private=True)
            return await self.transport.send(there, deadline=deadline)
        slug = request.origin.host.partition(".")[0]
        is_stream = json.loads(request.body).get("stream")
        answer = self.answers.get(slug) or Answer(chunks=EVENTS if is_stream else (JSON,))
        await answer.begin()
        return answer

    async def complete(
        self,
        body: Mapping[str, Any],
        send: Any = None,
        wire: Wire = CHAT,
        hangs_up: asyncio.Event | None = None,
        **headers: str,
    ) -> bytes:
        """Serve the body; `send` is called with each message too. Returns what was answered."""
        sent: list[bytes] = []

        async def keep(message: Any) -> None:
            if send is not None:
                await send(message)
            sent.append(message.get("body", b""))

        await self.completions.serve(wire, scope_of(headers), received(body, hangs_up), keep)
        return b"".join(sent)

    async def route(self, body: Mapping[str, Any], **headers: str) -> Explanation:
        raw = json.dumps(body).encode()
        return await explain(self.router, raw, self.caller, scope_of(headers))


def received(body: Mapping[str, Any], hangs_up: asyncio.Event | None = None) -> Any:
    """ASGI's `receive` of a client that sends the body, and then waits, or hangs up."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode()}]
    leaves = hangs_up or asyncio.Event()

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await leaves.wait()
        return {"type": "http.disconnect"}

    return receive


def scope_of(headers: Mapping[str, str]) -> Any:
    """`x_session_id` is X-Session-Id."""
    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": pairs,
        "client": ("192.0.2.1", 1),
    }


def body_of(**fields: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hello"}], **fields}


def with_tier(tier: Tier) -> Caller:
    return msgspec.structs.replace(CALLER, tier=tier)
