"""How slowly a connection may send and read, and how much may wait on it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from shared import http_protocol
from shared.doors import unread
from tests.fakes.http_place import CHUNKED, GET, POST, Place, run, statuses


@pytest.fixture
def quick_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, quick_to_look: None) -> None:
    """Its patience is a hundredth."""
    for name, seconds in (("HEAD_S", 0.2), ("BODY_IDLE_S", 0.3)):
        monkeypatch.setattr(http_protocol, name, seconds)
    monkeypatch.setattr(unread, "UNREAD_S", 0.4)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([b""], None, id="a connection that says nothing"),
        pytest.param([GET[:-5]], 408, id="half a head"),
        pytest.param([bytes([one]) for one in GET[:-2]], 408, id="a head byte by byte"),
        pytest.param([GET, GET[:9]], 408, id="half of a second head"),
        pytest.param([POST + b"Content-Length: 9\r\n\r\n", b"x"], 408, id="half a body"),
        pytest.param([CHUNKED, b"2\r\nx"], 408, id="half a chunk"),
    ],
)
def test_who_keeps_us_waiting_is_cut(pieces: list[bytes], status: int | None) -> None:
    async def script(place: Place) -> None:
        said = await place.says(*pieces, pause_s=0.02)
        assert statuses(said)[-1:] == ([] if status is None else [status])
        await asyncio.sleep(0.2)
        assert await place.are_cut()

    run(script)


@pytest.mark.usefixtures("quick")
def test_a_body_that_keeps_coming_may_take_its_time() -> None:
    async def script(place: Place) -> None:
        slowly = [b"x"] * 12
        said = await place.says(POST + b"Content-Length: 12\r\n\r\n", *slowly, pause_s=0.1)
        assert b"<12>" in said

    run(script)


@pytest.mark.usefixtures("quick")
def test_a_body_that_we_do_not_read_is_no_silence_of_the_client() -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        head = POST.replace(b"/x", b"/deaf") + b"Content-Length: 300000\r\n\r\n"
        writer.write(head + b"x" * 299_990)
        await asyncio.sleep(0.6)
        place.app.go.set()
        await asyncio.sleep(0.1)
        writer.write(b"x" * 10)
        assert b"<300000>" in await reader.readuntil(b">")

    run(script)


@pytest.mark.usefixtures("quick")
def test_who_does_not_read_an_answer_is_cut() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.transport.pause_reading()  # type: ignore[union-attr]
        writer.write(GET.replace(b"/x", b"/large"))
        await asyncio.sleep(0.9)
        assert await place.are_cut()

    run(script)


@pytest.mark.usefixtures("quick_to_look")
def test_of_an_answer_that_is_given_up_nothing_waits_for_a_client_that_does_not_read() -> None:
    """What waits for who does not read is no answer: closing would wait for it, too."""

    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.transport.pause_reading()  # type: ignore[union-attr]
        writer.write(GET.replace(b"/x", b"/breaks"))
        for _ in range(60):
            await asyncio.sleep(0.1)
            if place.app.scopes and await place.are_cut():
                return
        raise AssertionError("its socket is still held")

    run(script)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("bytes_a_time", "is_cut"), [(400_000, False), (100, True)])
def test_who_reads_slowly_gets_all_and_who_reads_next_to_nothing_is_cut(
    bytes_a_time: int, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "UNREAD_S", 1.0)

    async def script(place: Place) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", place.port))
            await loop.sock_sendall(client, GET.replace(b"/x", b"/large"))
            read, ends = 0, loop.time() + 25
            while loop.time() < ends and read < 8_000_000:
                read += len(await loop.sock_recv(client, bytes_a_time))
                await asyncio.sleep(0.02)
                if is_cut and await place.are_cut():
                    return
        assert (read >= 8_000_000) is not is_cut

    run(script)


@pytest.mark.usefixtures("quick")
def test_a_connection_that_rests_is_closed_after_its_time_and_not_before() -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        place.protocols[0].timeout_keep_alive = 1
        for _ in range(3):
            writer.write(GET)
            assert b"<0>" in await reader.readuntil(b">")
            await asyncio.sleep(0.3)
        assert not await place.are_cut()
        assert await reader.read() == b""

    run(script)


def test_few_requests_wait_however_many_are_sent_at_once_and_all_are_answered() -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        body = b"Content-Length: 9000\r\n\r\n" + b"x" * 9000
        writer.write(GET.replace(b"/x", b"/hold") + GET * 5000 + POST + body + GET)
        await asyncio.sleep(0.3)
        assert len(place.protocols[0].pipeline) <= 4096 // len(GET) + 1
        place.app.go.set()
        said = await reader.readuntil(b"<9000>") + await reader.readuntil(b"<0>")
        assert len(statuses(said)) == 5003

    run(script)


def test_of_a_pipeline_whose_answers_are_not_read_no_more_is_read_than_may_be() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold"))
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 40_000_000:
                writer.write(GET * 10_000)
                await asyncio.wait_for(writer.drain(), 0.5)
                sent += 10_000 * len(GET)
        assert sent < 30_000_000
        assert len(place.protocols[0].pipeline) <= 4096 // len(GET) + 1

    run(script)


@pytest.mark.parametrize("second", [b"\x00\x00\x00\x00", b"GET /x HTTP/1.1\r\n\r\n"])
def test_an_answer_that_is_owed_comes_first_and_is_the_last(second: bytes) -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold"))
        await asyncio.sleep(0.1)
        writer.write(second)
        await asyncio.sleep(0.1)
        place.app.go.set()
        said = await reader.read()
        assert statuses(said) == [200]
        assert said.endswith(b"<0>")

    run(script)


def test_a_hang_up_is_told_to_the_request_that_runs() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold"))
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.2)
        assert place.app.hung_up == 1

    run(script)


@pytest.mark.usefixtures("quick_to_look")
@pytest.mark.parametrize("more", [1, 2000])
def test_a_hang_up_behind_requests_that_wait_is_told_to_the_one_that_runs(more: int) -> None:
    """While they wait nothing is read, and so no end is seen."""

    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold") + GET * more)
        await asyncio.sleep(0.1)
        assert place.app.hung_up == 0
        writer.close()
        for _ in range(50):
            await asyncio.sleep(0.1)
            if place.app.hung_up:
                break
        assert place.app.hung_up == 1
        assert await place.are_cut()

    run(script)


def test_an_upgrade_is_not_spoken_of() -> None:
    async def script(place: Place) -> None:
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
        assert statuses(await place.says(GET[:-2] + upgrade)) == [200]
        assert place.app.scopes[0]["type"] == "http"

    run(script)


def test_who_goes_on_sending_a_body_that_was_answered_is_cut() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        head = POST.replace(b"/x", b"/early")
        writer.write(head + b"Content-Length: 1000000000\r\n\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 200 << 20:
                writer.write(b"x" * (1 << 20))
                await writer.drain()
                sent += 1 << 20
        assert sent < 200 << 20

    run(script)
