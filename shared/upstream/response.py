"""An upstream's answer: its head, and its body as it comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

from shared.upstream.content_coding import STEP_BYTES, Decoding
from shared.upstream.faults import (
    BodyTooLong,
    ConnectionCut,
    ProtocolViolation,
    TransportFault,
    UnreadableEncoding,
)
from shared.upstream.limits import Limits

Headers = list[tuple[bytes, bytes]]

REFUSAL_BYTES: Final = 64 * 1024
REFUSAL_S: Final = 5.0


class Source(Protocol):
    """The connection an answer comes from, as the answer sees it."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def abort(self) -> None: ...


class UpstreamResponse:
    """`headers` have lower-case names; `is_encoded`: one of them is content-encoding. Read it with
    `read` or `next`, in one task at a time.

    Whoever gets one reads it to its end or closes it; otherwise its connection stays taken until
    the request's deadline.
    """

    __slots__ = (
        "_allowed",
        "_buffered",
        "_chunks",
        "_decoding",
        "_fault",
        "_is_complete",
        "_is_paused",
        "_limits",
        "_loop",
        "_source",
        "_waiter",
        "headers",
        "is_encoded",
        "status",
    )

    def __init__(self, source: Source, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.headers: Headers = []
        self.is_encoded = False
        self._decoding: Decoding | None = None
        self._source: Source | None = source
        self._limits = limits
        self._loop = loop
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._allowed: int | None = None
        self._is_complete = False
        self._is_paused = False
        self._fault: TransportFault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    def header(self, name: bytes) -> bytes | None:
        """The first value under the lower-case `name`."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def read(self) -> bytes:
        """The whole body. Raises BodyTooLong (the connection is dropped) or TransportFault."""
        if self._is_complete and not self.is_encoded and self._buffered <= self._limits.body_bytes:
            return self._take()
        parts: list[bytes] = []
        size = 0
        while (part := await self.next()) is not None:
            size += len(part)
            if size > self._limits.body_bytes:
                self.close()
                raise BodyTooLong(f"the answer is longer than {self._limits.body_bytes} bytes")
            parts.append(part)
        return b"".join(parts)

    async def read_refusal(self) -> bytes:
        """As much of the body as says why: REFUSAL_BYTES at most, within REFUSAL_S.

        The status is known, so no end of the body is a failure of its own. The connection is kept
        only where the body has come whole.
        """
        parts: list[bytes] = []
        size = 0
        with suppress(TransportFault, TimeoutError):
            async with asyncio.timeout(REFUSAL_S):
                while size < REFUSAL_BYTES and (part := await self.next()) is not None:
                    parts.append(part)
                    size += len(part)
        self.close()
        return b"".join(parts)[:REFUSAL_BYTES]

    async def next(self) -> bytes | None:
        """What has come since the last call, at least one byte and STEP_BYTES at most; None at the
        end.

        Raises TransportFault where the answer ends badly, once all that came before is taken.
        Cancelling it drops the connection. What is compressed is decoded on the way.
        """
        if not self.is_encoded:
            return await self._next()
        try:
            if self._decoding is None:
                self._decoding = Decoding(self.headers)
            await self._turn()
            return await self._decoding.next(self._next)
        except (ProtocolViolation, UnreadableEncoding):
            self.close()
            raise

    async def _next(self) -> bytes | None:
        while not self._chunks:
            if self._fault is not None:
                raise self._fault
            if self._is_complete:
                return None
            await self._wait()
        if self._buffered > STEP_BYTES:
            await self._turn()
            return self._take_piece()
        data = self._take()
        if self._is_paused and self._source is not None:
            self._is_paused = False
            self._source.resume()
        return data

    def allow(self, size: int) -> None:
        """Take no more than `size` bytes from now on: behind them the connection is dropped."""
        self._allowed = size

    def close(self) -> None:
        """Drop the connection, unless the body has come whole; wakes a waiting `next`."""
        source = self._source
        if source is not None:
            self.fail(ConnectionCut("the answer was closed before its end"))
            source.abort()

    def feed(self, data: bytes) -> None:
        if self._allowed is not None:
            self._allowed -= len(data)
            if self._allowed < 0:
                self.close()
                return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > self._limits.high_water_bytes and not self._is_paused:
            self._is_paused = True
            if self._source is not None:
                self._source.pause()
        self._wake()

    def complete(self) -> None:
        self._is_complete = True
        self._source = None
        self._wake()

    def fail(self, fault: TransportFault) -> None:
        self._fault = fault
        self._source = None
        self._wake()

    def _take(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._buffered = 0
        return data

    def _take_piece(self) -> bytes:
        first = self._chunks[0]
        data = first[:STEP_BYTES]
        if len(first) > STEP_BYTES:
            self._chunks[0] = first[STEP_BYTES:]
        else:
            del self._chunks[0]
        self._buffered -= len(data)
        return data

    async def _turn(self) -> None:
        """Let the event loop do what else there is to do."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.close()
            raise

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
