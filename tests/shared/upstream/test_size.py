"""How much an upstream may send: caps, and who waits while nobody reads."""

from __future__ import annotations

import asyncio

import pytest

from shared.upstream.faults import (
    BodyTooLong,
    ConnectionCut,
    ProtocolViolation,
)
from tests.fakes.raw_server import RawServer, Wire, answers
from tests.shared.upstream.calls import CHUNKED, Run, call, open_transport, request, within


@pytest.mark.parametrize("is_chunked", [False, True], ids=["a length", "chunks"])
def test_a_body_above_its_cap_is_refused_and_at_its_cap_read(
    run: Run[None], is_chunked: bool
) -> None:
    def payload(size: int) -> bytes:
        if is_chunked:
            return CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (size, b"x" * size)

    async def main() -> None:
        async with open_transport(body_bytes=100_000) as transport:
            assert len(await call(transport, server)) == 100_000
            with pytest.raises(BodyTooLong):
                await call(transport, server)

    with RawServer(answers(payload(100_000), payload(100_001))) as server:
        run(main())


def test_an_endless_body_is_left_at_its_cap(run: Run[None]) -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED)
        while True:
            await wire.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    async def main() -> None:
        async with open_transport(body_bytes=100_000) as transport:
            with pytest.raises(BodyTooLong):
                await call(transport, server)
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(endless) as server:
        run(main())


def test_what_may_still_come_of_an_answer_can_be_capped_in_its_middle(run: Run[None]) -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED)
        while True:
            await wire.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert await answer.next()
            held = answer._buffered
            answer.allow(1_000_000)
            sizes: list[int] = []

            async def read_on() -> None:
                while part := await answer.next():
                    sizes.append(len(part))

            with pytest.raises(ConnectionCut):
                await read_on()
            assert sum(sizes) <= 1_000_000 + held
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(endless) as server:
        run(main())


_FLOODS = {
    "a header that never ends": (b"HTTP/1.1 200 OK\r\nx-a: ", b"a" * 512),
    "headers that never end": (b"HTTP/1.1 200 OK\r\n", b"x-a: 1\r\n" * 64),
    "a reason that never ends": (b"HTTP/1.1 200 ", b"O" * 512),
    "interim answers that never end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20),
    "a trailer that never ends": (CHUNKED + b"2\r\nok\r\n0\r\nx-a: ", b"a" * 512),
    "trailers that never end": (CHUNKED + b"2\r\nok\r\n0\r\n", b"x-a: 1\r\n" * 64),
    "a chunk extension that never ends": (CHUNKED + b"2;", b"a" * 512),
}


@pytest.mark.parametrize("case", _FLOODS.values(), ids=_FLOODS)
def test_what_stands_around_a_body_has_a_cap(run: Run[None], case: tuple[bytes, bytes]) -> None:
    start, more = case

    async def flood(wire: Wire) -> None:
        await wire.request()
        await wire.send(start)
        while True:
            await wire.send(more)

    async def main() -> None:
        async with open_transport(head_bytes=16_384) as transport:
            with pytest.raises(ProtocolViolation):
                await call(transport, server)
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(flood) as server:
        run(main())


def test_an_upstream_waits_while_nobody_reads(run: Run[None]) -> None:
    """Of 64 MB, what a reader that stands still is sent is what the kernel and one mark hold."""
    block, blocks, high_water = b"x" * 65_536, 1024, 131_072

    async def large(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (65_536 * blocks))
        for _ in range(blocks):
            await wire.send(block)
        await wire.until_hung_up()

    async def settled() -> int:
        before = -1
        while server.sent_bytes != before:
            before = server.sent_bytes
            await asyncio.sleep(0.3)
        return before

    async def main() -> None:
        async with open_transport(high_water_bytes=high_water) as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert await settled() < 65_536 * blocks / 2
            held = await answer.next()
            # One read of the socket may go past the mark: 256 KiB in both event loops.
            assert held is not None
            assert len(held) <= high_water + 256 * 1024
            assert len(held) + len(await answer.read()) == 65_536 * blocks

    with RawServer(large) as server:
        run(main())
