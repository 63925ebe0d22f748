"""When a request is sent a second time: on a reused connection, without one byte of an answer.

Anything else could make a provider do, and bill, the same work twice.
"""

from __future__ import annotations

import asyncio

import pytest

from shared.upstream.faults import (
    ConnectionCut,
    IdleTimeout,
)
from tests.fakes.raw_server import RawServer, Wire, answers, answers_always
from tests.shared.upstream.calls import OK, Run, call, open_transport


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
        async with open_transport(idle_s=0.5) as transport:
            await call(transport, server)
            with pytest.raises(IdleTimeout):
                await call(transport, server)

    with RawServer(once, answers_always(OK)) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 2)
