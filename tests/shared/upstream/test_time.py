"""How long a request may take: its deadline, and the idle limit between two reads."""

from __future__ import annotations

import asyncio

import pytest

from shared.upstream.faults import (
    ConnectTimeout,
    DeadlineReached,
    IdleTimeout,
)
from shared.upstream.transport import Transport
from tests.fakes.raw_server import RawServer, Wire, answers_always, silence
from tests.shared.upstream.calls import CHUNKED, OK, Run, call, open_transport, request, within


def test_the_deadline_ends_a_wait_for_the_head(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            with pytest.raises(DeadlineReached):
                await transport.send(request(server.url), deadline=within(0.8))
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(silence) as server:
        run(main())


async def drips_for_ever(wire: Wire) -> None:
    await wire.request()
    await wire.send(CHUNKED)
    while True:
        await wire.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.02)


def test_the_deadline_ends_a_body_that_never_falls_silent(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(idle_s=5) as transport:
            answer = await transport.send(request(server.url), deadline=within(0.8))
            with pytest.raises(DeadlineReached):
                await answer.read()
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(drips_for_ever) as server:
        run(main())


def test_the_deadline_ends_an_answer_that_nobody_reads_or_closes(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within(0.8))
            await server.until(lambda seen: seen.ended_by_client == 1)
            assert answer.status == 200

    with RawServer(drips_for_ever) as server:
        run(main())


def test_past_its_deadline_a_request_is_not_sent(run: Run[None]) -> None:
    """Not even on a connection that is ready: a provider would bill for it."""

    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            with pytest.raises((DeadlineReached, ConnectTimeout)):
                await transport.send(request(server.url), deadline=within(-1))

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert len(server.requests) == 1


def test_silence_between_two_parts_is_borne_for_the_idle_limit_only(run: Run[None]) -> None:
    async def stalls(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED + b"3\r\none\r\n")
        await wire.until_hung_up()

    async def main() -> None:
        async with open_transport(idle_s=0.5) as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert await answer.next() == b"one"
            with pytest.raises(IdleTimeout):
                await answer.next()
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(stalls) as server:
        run(main())


def test_silence_counts_only_while_somebody_waits(run: Run[None]) -> None:
    """A slow client of ours is no fault of the upstream."""

    async def two_parts(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED + b"3\r\none\r\n")
        await wire.gate("read on")
        await wire.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async def main() -> None:
        async with open_transport(idle_s=0.5) as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert await answer.next() == b"one"
            await asyncio.sleep(1.2)
            server.open("read on")
            assert await answer.read() == b"two"

    with RawServer(two_parts) as server:
        run(main())


def test_a_deadline_that_falls_on_the_answer_gives_one_or_the_other(run: Run[None]) -> None:
    """uvloop arms a timer due within its millisecond as a plain callback, which knows no time.

    400 requests, their deadlines spread over the 4 ms in which their answers come.
    """

    async def one(transport: Transport, seconds: float) -> bool:
        try:
            answer = await transport.send(request(server.url), deadline=within(seconds))
            return await answer.read() == b"ok"
        except (DeadlineReached, ConnectTimeout):
            return False

    async def main() -> None:
        async with open_transport() as transport:
            asyncio.get_running_loop().set_exception_handler(lambda _, seen: errors.append(seen))
            assert await one(transport, 5)
            for number in range(400):
                await one(transport, number / 100_000)
            assert await one(transport, 5)

    errors: list[dict[str, object]] = []
    with RawServer(answers_always(OK)) as server:
        run(main())
    assert errors == [], "nothing failed inside the loop either"
