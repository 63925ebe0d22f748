"""What our transport promises of one request: that it can be let go of, and tells no secret."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from shared.upstream.faults import (
    ConnectionCut,
    TransportFault,
)
from tests.fakes.raw_server import RawServer, Script, Wire, answers, answers_always, silence
from tests.shared.upstream.calls import CHUNKED, OK, Run, call, open_transport, request, within


async def starts_a_body(wire: Wire) -> None:
    await wire.request()
    await wire.send(CHUNKED)
    await wire.until_hung_up()


def test_a_cancelled_send_drops_its_connection(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            sending = asyncio.ensure_future(transport.send(request(server.url), deadline=within()))
            await server.until(lambda seen: seen.accepted == 1)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(silence) as server:
        run(main())


def test_a_cancelled_read_drops_its_connection(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within())
            reading = asyncio.ensure_future(answer.next())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(starts_a_body) as server:
        run(main())


def test_a_redirect_is_an_answer_and_not_followed(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert (answer.status, await answer.read()) == (302, b"")

    with RawServer(answers_always(OK)) as inside:
        redirect = b"HTTP/1.1 302 Found\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n"
        with RawServer(answers_always(redirect % inside.url.encode())) as server:
            run(main())
    assert inside.accepted == 0


def test_a_proxy_in_the_environment_is_not_used(
    run: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            assert await call(transport, server) == b"ok"

    with RawServer(answers_always(OK)) as server, RawServer(answers_always(OK)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        run(main())
    assert (server.accepted, proxy.accepted) == (1, 0)


def test_closing_an_answer_wakes_who_waits_for_it(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within())
            reading = asyncio.ensure_future(answer.next())
            await asyncio.sleep(0)
            answer.close()
            answer.close()
            with pytest.raises(ConnectionCut):
                await reading
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(starts_a_body) as server:
        run(main())


def test_closing_an_answer_that_was_read_keeps_its_connection(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            for _ in range(3):
                answer = await transport.send(request(server.url), deadline=within())
                await answer.read()
                answer.close()
                assert await answer.next() is None

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 1


def test_compression_is_refused_once_in_every_request(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            await call(transport, server)

    with RawServer(answers_always(OK)) as server:
        run(main())
    lines = server.requests[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith(b"accept-encoding")] == [
        b"accept-encoding: identity"
    ]


async def reads_and_says_nothing(wire: Wire) -> None:
    await wire.request()
    await wire.until_hung_up()


_SECRET = "sk-canary-0451"
_FAILING = {
    "a cut": answers(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n" + _SECRET.encode()[:5]),
    "an echo that is not HTTP": answers(f"authorization: Bearer {_SECRET}\r\n\r\n".encode()),
    "an echo in a broken header": answers(f"HTTP/1.1 200 OK\r\n{_SECRET}\r\n\r\n".encode()),
    "silence": reads_and_says_nothing,
}


@pytest.mark.parametrize("script", _FAILING.values(), ids=_FAILING)
def test_no_fault_and_no_repr_shows_a_secret(run: Run[None], script: Script) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            outgoing = request(
                f"{server.url}/{_SECRET}?key={_SECRET}",
                headers=f"authorization: Bearer {_SECRET}\r\n".encode(),
                body=_SECRET.encode(),
            )
            assert _SECRET not in repr(outgoing)
            with pytest.raises(TransportFault) as raised:
                await (await transport.send(outgoing, deadline=within(0.5))).read()
            assert _SECRET not in "".join(traceback.format_exception(raised.value))

    with RawServer(script) as server:
        run(main())
    assert _SECRET.encode() in server.requests[0], "the request did hold it"
