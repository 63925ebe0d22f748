"""What httpx's interface over our transport adds: errors, time, and what it will not send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.upstream.httpx_bridge import http_client
from tests.fakes.raw_server import RawServer, Script, Wire, answers, answers_always, silence
from tests.shared.upstream.calls import CHUNKED, OK, Run, call, open_transport


@asynccontextmanager
async def open_client(*servers: RawServer, **limits: float) -> AsyncIterator[httpx.AsyncClient]:
    """A client with 5 s a request, over a transport that may call these local servers."""
    async with (
        open_transport(*servers, **limits) as transport,
        http_client(transport, deadline_s=5) as client,
    ):
        yield client


async def drips_for_ever(wire: Wire) -> None:
    await wire.request()
    await wire.send(CHUNKED)
    while True:
        await wire.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.02)


async def stalls_in_its_body(wire: Wire) -> None:
    await wire.request()
    await wire.send(CHUNKED)
    await wire.until_hung_up()


@pytest.mark.parametrize("script", [silence, stalls_in_its_body, drips_for_ever])
def test_the_deadline_holds_to_the_end_of_the_body(run: Run[None], script: Script) -> None:
    async def main() -> None:
        async with open_transport(server) as transport:
            async with http_client(transport, deadline_s=0.8) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.get(server.url)
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(script) as server:
        run(main())


@pytest.mark.parametrize("script", [silence, stalls_in_its_body])
def test_a_callers_own_timeout_ends_the_connection_too(run: Run[None], script: Script) -> None:
    async def main() -> None:
        async with open_transport(server) as transport:
            async with http_client(transport, deadline_s=25) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.get(server.url, timeout=0.05)
            await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(script) as server:
        run(main())


def test_a_private_address_is_a_connect_error(run: Run[None]) -> None:
    async def main() -> None:
        async with open_client() as client:
            with pytest.raises(httpx.ConnectError, match="not public"):
                await client.get(server.url)

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 0


def test_a_redirect_to_a_private_address_is_an_answer(run: Run[None]) -> None:
    async def main() -> None:
        async with open_client(server) as client:
            response = await client.get(server.url)
            assert response.status_code == 302
            with pytest.raises(httpx.ConnectError):
                await client.get(server.url, follow_redirects=True)

    with RawServer(answers_always(OK)) as inside:
        redirect = b"HTTP/1.1 302 Found\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n"
        with RawServer(answers_always(redirect % inside.url.encode())) as server:
            run(main())
    assert inside.accepted == 0


def test_a_proxy_in_the_environment_is_not_used(
    run: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with open_client(server) as client:
            assert (await client.get(server.url)).content == b"ok"

    with RawServer(answers_always(OK)) as server, RawServer(answers_always(OK)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        run(main())
    assert (server.accepted, proxy.accepted) == (1, 0)


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https://user:canary@a.example/", "https://a.example./", "https://a%20b/"],
)
def test_a_url_that_must_not_be_called_is_an_error_of_ours(run: Run[None], url: str) -> None:
    async def main() -> None:
        async with open_client() as client:
            with pytest.raises((httpx.LocalProtocolError, httpx.InvalidURL)) as raised:
                await client.get(url)
            assert "canary" not in str(raised.value)

    run(main())


def test_what_the_transport_writes_itself_is_written_once(run: Run[None]) -> None:
    mine = {
        "host": "evil.example",
        "accept-encoding": "gzip",
        "connection": "close",
        "transfer-encoding": "chunked",
    }

    async def main() -> None:
        async with open_client(server) as client:
            await client.post(server.url, content=parts(), headers=mine)

    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    with RawServer(answers_always(OK)) as server:
        run(main())
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")[1:]
    assert body == b"one two"
    assert f"host: 127.0.0.1:{server.port}".encode() in lines
    assert b"accept-encoding: identity" in lines
    assert b"content-length: 7" in lines
    names = [line.partition(b":")[0] for line in lines]
    assert len(names) == len(set(names))
    assert not {b"connection", b"transfer-encoding"} & set(names)


def test_a_body_has_its_cap_here_too(run: Run[None]) -> None:
    def payload(size: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (size, b"x" * size)

    async def main() -> None:
        async with open_client(server, body_bytes=100_000) as client:
            assert len((await client.get(server.url)).content) == 100_000
            with pytest.raises(httpx.ReadError, match="100000"):
                await client.get(server.url)

    with RawServer(answers(payload(100_000), payload(100_001))) as server:
        run(main())


def test_closing_the_client_leaves_the_transport_open(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport(server) as transport:
            for _ in range(2):
                async with http_client(transport, deadline_s=5) as client:
                    await client.post(server.url)
            assert await call(transport, server) == b"ok"

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 1
