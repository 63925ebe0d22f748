"""How long a request may take: its deadline, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from shared.upstream.faults import (
    ConnectTimeout,
    DeadlineReached,
)
from shared.upstream.transport import Transport
from tests.fakes.raw_server import RawServer, Wire, answers_always, silence
from tests.shared.upstream.calls import (
    CHUNKED,
    OK,
    Run,
    SkippingLoop,
    call,
    open_transport,
    request,
    run_skipping,
    within,
)


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
        async with open_transport() as transport:
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


def test_silence_has_no_limit_but_the_deadline() -> None:
    """A reasoning model says nothing for minutes, before its first byte and in a stream."""

    async def thinks(wire: Wire) -> None:
        await wire.request()
        await wire.gate("a head")
        await wire.send(CHUNKED + b"3\r\none\r\n")
        await wire.gate("the rest")
        await wire.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async def main(clock: SkippingLoop) -> None:
        async with open_transport() as transport:
            deadline = clock.time() + 600
            sending = asyncio.create_task(transport.send(request(server.url), deadline=deadline))
            await server.until(lambda seen: len(seen.requests) == 1)
            await clock.pass_by(290)
            server.open("a head")
            answer = await sending
            assert await answer.next() == b"one"
            reading = asyncio.create_task(answer.read())
            await clock.pass_by(290)
            server.open("the rest")
            assert await reading == b"two"

    with RawServer(thinks) as server:
        run_skipping(main)
    assert len(server.requests) == 1


def test_the_deadline_ends_a_silence() -> None:
    async def stalls(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED + b"3\r\none\r\n")
        await wire.until_hung_up()

    async def main(clock: SkippingLoop) -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=clock.time() + 600)
            assert await answer.next() == b"one"
            reading = asyncio.create_task(answer.next())
            await clock.pass_by(601)
            with pytest.raises(DeadlineReached):
                await reading
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(stalls) as server:
        run_skipping(main)


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
