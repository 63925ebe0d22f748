"""Which connections are made, kept and dropped."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from shared.upstream.faults import ConnectFailed, ConnectTimeout, TransportFault
from shared.upstream.transport import Transport
from tests.fakes.raw_server import RawServer, Wire, answers_always, silence
from tests.shared.upstream.calls import CHUNKED, OK, Run, call, open_transport, request, within


def opens_when_told(gate: str):
    """A script that answers every request once the gate is open."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.gate(gate)
            await wire.send(OK)

    return script


def test_the_kernel_looks_for_a_peer_that_vanished(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            [pool] = transport._private_pools.values()  # noqa: SLF001  a socket's own options
            kept = pool.idle()
            assert kept is not None
            found = kept._transport.get_extra_info("socket")  # noqa: SLF001
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1

    with RawServer(answers_always(OK)) as server:
        run(main())


async def calls_at_once(transport: Transport, server: RawServer, count: int, gate: str) -> None:
    """`count` requests that are under way together as far as the transport lets them."""
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(call(transport, server))
        await asyncio.sleep(0.1)
        server.open(gate)


def test_no_more_connections_than_allowed_and_the_others_wait_their_turn(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(connections=2) as transport:
            await calls_at_once(transport, server, 7, "go")

    with RawServer(opens_when_told("go")) as server:
        run(main())
    assert (server.accepted, server.peak, len(server.requests)) == (2, 2, 7)


async def echo(wire: Wire) -> None:
    while True:
        body = (await wire.request()).partition(b"\r\n\r\n")[2]
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("cancelled", [0, 3], ids=["none cancelled", "one in three cancelled"])
def test_a_connection_handed_on_at_once_mixes_up_no_two_requests(
    run: Run[None], cancelled: int
) -> None:
    """An answer may be complete, and its connection another's, before who asked for it runs again.

    300 requests in waves over 3 connections, so that tasks take connections in every order.
    """

    async def one(transport: Transport, number: int) -> bytes:
        await asyncio.sleep(number % 7 / 1000)
        outgoing = request(server.url, body=b"request %d" % number)
        return await (await transport.send(outgoing, deadline=within())).read()

    async def main() -> None:
        async with open_transport(connections=3, connect_s=20) as transport:
            calls = [asyncio.ensure_future(one(transport, number)) for number in range(300)]
            for number in range(0, 300, cancelled or 300):
                await asyncio.sleep(0.001)
                if cancelled:
                    calls[number].cancel()
            answers = await asyncio.gather(*calls, return_exceptions=True)
        for number, answer in enumerate(answers):
            if not isinstance(answer, asyncio.CancelledError):
                assert answer == b"request %d" % number
        assert sum(isinstance(answer, bytes) for answer in answers) >= (200 if cancelled else 300)

    with RawServer(echo) as server:
        run(main())


def test_who_waits_longer_than_a_connect_may_take_is_told(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(connections=1, connect_s=0.5) as transport:
            first = asyncio.ensure_future(call(transport, server))
            await server.until(lambda seen: len(seen.requests) == 1)
            with pytest.raises(ConnectTimeout):
                await call(transport, server)
            server.open("go")
            assert await first == b"ok"

    with RawServer(opens_when_told("go")) as server:
        run(main())
    assert len(server.requests) == 1, "nothing was sent for the second"


def test_who_is_cancelled_while_waiting_takes_no_turn_from_the_next(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(connections=1) as transport:
            calls = [asyncio.ensure_future(call(transport, server)) for _ in range(3)]
            await server.until(lambda seen: len(seen.requests) == 1)
            calls[1].cancel()
            server.open("go")
            assert await calls[0] == await calls[2] == b"ok"

    with RawServer(opens_when_told("go")) as server:
        run(main())
    assert (server.accepted, len(server.requests)) == (1, 2)


def test_a_connection_that_failed_makes_room_for_another(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(connections=1) as transport:
            for _ in range(3):
                with pytest.raises(TransportFault):
                    await call(transport, server)

    async def reads_and_closes(wire: Wire) -> None:
        await wire.request()

    with RawServer(reads_and_closes) as server:
        run(main())
    assert server.accepted == 3


def test_no_more_idle_connections_than_allowed_are_kept(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(idle_connections=1) as transport:
            await calls_at_once(transport, server, 4, "go")
            await server.until(lambda seen: seen.ended_by_client == 3)
            assert await call(transport, server) == b"ok"

    with RawServer(opens_when_told("go")) as server:
        run(main())
    assert server.accepted == 4


def test_an_idle_connection_is_dropped_when_its_time_is_over(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(keep_alive_s=0.1) as transport:
            await call(transport, server)
            await server.until(lambda seen: seen.ended_by_client == 1)
            assert await call(transport, server) == b"ok"

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 2


def test_origins_share_no_connection(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            for server in (one, other, one, other):
                await call(transport, server)

    with RawServer(answers_always(OK)) as one, RawServer(answers_always(OK)) as other:
        run(main())
    assert (one.accepted, other.accepted) == (1, 1)


def test_closing_the_transport_ends_every_request_wherever_it_stands(
    run: Run[None], trust: ssl.SSLContext
) -> None:
    async def starts_a_body(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED)
        await wire.until_hung_up()

    async def main() -> None:
        async with open_transport(connections=1, connect_s=20, trust=trust) as transport:
            reading = asyncio.ensure_future(call(transport, body))
            await body.until(lambda seen: len(seen.requests) == 1)
            waits_for_head = asyncio.ensure_future(call(transport, silent))
            await silent.until(lambda seen: seen.accepted == 1)
            waits_its_turn = asyncio.ensure_future(call(transport, body))
            shakes_hands = asyncio.ensure_future(
                transport.send(request(handshake), deadline=within())
            )
            await silent.until(lambda seen: seen.accepted == 2)
            await transport.aclose()
            async with asyncio.timeout(2):
                for task in (reading, waits_for_head, waits_its_turn, shakes_hands):
                    with pytest.raises(TransportFault):
                        await task
            await silent.until(lambda seen: seen.open_now == 0)
            await body.until(lambda seen: seen.open_now == 0)

    with RawServer(starts_a_body) as body, RawServer(silence) as silent:
        handshake = silent.url.replace("http:", "https:")
        run(main())
    assert (body.accepted, silent.accepted) == (1, 2)


def test_a_closed_transport_connects_no_more(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)
            await transport.aclose()
            with pytest.raises(ConnectFailed, match="closed"):
                await call(transport, server)

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 1
