"""One HTTP exchange over ASGI: reads, answers, waits, cuts, and sees the client leave."""

from __future__ import annotations

import asyncio
import time

from functions.simulated_provider.app import Receive, Send
from tests.fakes.scripted_provider.calls import Call
from tests.fakes.scripted_provider.faults import Faults

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_SSE: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
]
_EVENTS_A_TURN = 64


class ClientLeft(Exception):
    """The client closed the connection before the answer's end."""


class Exchange:
    """Use as `with`: on leaving it the call's end is written down, whatever happened."""

    def __init__(self, receive: Receive, send: Send, call: Call) -> None:
        self.call = call
        self._receive = receive
        self._send = send
        self._leaving: asyncio.Task[None] | None = None

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if self._leaving is not None:
            self._leaving.cancel()
        left = kind is not None and issubclass(kind, ClientLeft)
        self.call.aborted = left
        self.call.ended_at = time.time()
        return left

    async def body(self) -> bytes:
        """Raises ClientLeft."""
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            body += message.get("body", b"")
            if not message.get("more_body", False):
                return body

    async def wait(self, seconds: float | None) -> None:
        """Let `seconds` pass, for None all time. Raises ClientLeft as soon as the client left."""
        leaving = self._watch()
        await asyncio.wait((leaving,), timeout=seconds)
        if leaving.done():
            raise ClientLeft

    async def begin(self, faults: Faults) -> None:
        """What the faults ask for before the head. Raises ClientLeft."""
        if faults.delay_ms:
            await self.wait(faults.delay_ms / 1000)
        if faults.hang:
            await self.wait(None)

    async def json(self, status: int, body: bytes, headers: Headers, *, cut: bool = False) -> None:
        """`cut`: half of the body under a content-length of the whole; then the server closes."""
        length = (b"content-length", b"%d" % len(body))
        await self._head(status, [_JSON, length, *headers])
        if cut:
            await self._part(body[: len(body) // 2])
            return
        await self._send({"type": "http.response.body", "body": body})
        self.call.finished = True

    async def stream(
        self, events: list[bytes], headers: Headers, faults: Faults, opening: bytes = b""
    ) -> None:
        """An event a write, `opening` in one of its own before them. Raises ClientLeft."""
        cut_after = faults.cut_after
        leaving = self._watch()
        await self._head(200, [*_SSE, *headers])
        # A head goes out with a body, be it an empty one.
        await self._part(opening)
        for event in events:
            if self.call.events_sent == cut_after:
                return
            if faults.drip_ms and self.call.events_sent:
                await self.wait(faults.drip_ms / 1000)
            elif leaving.done():
                raise ClientLeft
            await self._part(event)
            self.call.events_sent += 1
            if self.call.events_sent % _EVENTS_A_TURN == 0:
                # Writing to a connection that is closing never waits: without a pause the loop
                # could not tell us, and the rest of a long stream would count as sent.
                await asyncio.sleep(0)
        if self.call.events_sent == cut_after:
            return
        await self._send({"type": "http.response.body", "body": b""})
        self.call.finished = True

    def _watch(self) -> asyncio.Task[None]:
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._until_the_client_leaves())
        return self._leaving

    async def _until_the_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _head(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _part(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
