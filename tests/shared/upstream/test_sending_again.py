"""When a request is sent a second time: on a reused connection, without one byte of an answer.

Anything else could make a provider do, and bill, the same work twice.
"""

from __future__ import annotations

import asyncio

import pytest

from shared.metrics import RESENT
from shared.upstream.faults import (
    ConnectionCut,
    DeadlineReached,
)
from tests.fakes.raw_server import RawServer, Wire, answers, answers_always
from tests.shared.upstream.calls import OK, Run, call, open_transport, request, within


def ends_the_second_request(*, after: bytes = b"", is_reset: bool = False):
    """A script that answers once, then reads a request and ends with only these bytes sent."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()
        await wire.send(after)
        if is_reset:
            wire.reset()

    return script


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_a_reused_connection_that_ends_without_a_byte_is_sent_again_once(
    run: Run[None], is_reset: bool
) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            assert await call(transport, server) == b"ok"
            assert await call(transport, server) == b"ok"

    with RawServer(ends_the_second_request(is_reset=is_reset), answers_always(OK)) as server:
        run(main())
    assert server.accepted == 2
    assert len(server.requests) == 3
    assert len(set(server.requests)) == 1, "the same bytes again"


def test_it_is_sent_again_where_only_one_connection_is_allowed(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(connections=1) as transport:
            await call(transport, server)
            assert await call(transport, server) == b"ok"

    with RawServer(ends_the_second_request(), answers_always(OK)) as server:
        run(main())
    assert len(server.requests) == 3


def test_it_is_sent_again_no_second_time(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            await asyncio.gather(call(transport, server), call(transport, server))
            with pytest.raises(ConnectionCut):
                await call(transport, server)

    async def two_at_once(wire: Wire) -> None:
        await wire.request()
        await server.until(lambda seen: len(seen.requests) == 2)
        await wire.send(OK)
        await wire.request()

    with RawServer(two_at_once, two_at_once, answers()) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (3, 3)


def test_after_one_byte_of_an_answer_it_is_never_sent_again(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            with pytest.raises(ConnectionCut):
                await call(transport, server)

    with RawServer(ends_the_second_request(after=b"H"), answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_on_a_fresh_connection_it_is_never_sent_again(run: Run[None]) -> None:
    async def read_and_close(wire: Wire) -> None:
        await wire.request()

    async def main() -> None:
        async with open_transport() as transport:
            with pytest.raises(ConnectionCut):
                await call(transport, server)

    with RawServer(read_and_close, answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 1)


def test_silence_is_no_reason_to_send_again(run: Run[None]) -> None:
    async def once(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()
        await wire.until_hung_up()

    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            with pytest.raises(DeadlineReached):
                await transport.send(request(server.url), deadline=within(0.5))

    with RawServer(once, answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_what_the_upstream_may_be_at_work_on_is_never_sent_again(
    run: Run[None], is_reset: bool
) -> None:
    """The model works on it, and a balancer in front loses patience: it would be paid twice."""

    async def loses_patience(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()
        await asyncio.sleep(0.3)
        if is_reset:
            wire.reset()

    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            with pytest.raises(ConnectionCut):
                await call(transport, server)

    with RawServer(loses_patience, answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_a_request_lost_while_it_is_sent_is_sent_again_however_long_that_takes(
    run: Run[None],
) -> None:
    """An upstream that never reads the body to its end did not begin to work on it."""
    body = b"x" * 20_000_000

    async def reads_no_body(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.head()
        await asyncio.sleep(0.5)
        wire.reset()

    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            answer = await transport.send(request(server.url, body=body), deadline=within())
            assert await answer.read() == b"ok"

    with RawServer(reads_no_body, answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (2, 2)


def test_each_request_sent_again_is_counted_once(run: Run[None]) -> None:
    def counted() -> float:
        return RESENT.labels("127.0.0.1")._value.get()  # noqa: SLF001  it has no other reader

    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            await call(transport, server)

    before = counted()
    with RawServer(ends_the_second_request(), answers_always(OK)) as server:
        run(main())
    assert counted() - before == 1
