"""What a connection may send before anybody looks at a token: which heads, and how much of them."""

from __future__ import annotations

import contextlib
import json
import re

import pytest

from tests.fakes.http_place import CHUNKED, GET, HOST, POST, Place, run, statuses


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        pytest.param(b"GET /x HTTP/1.1\r\n\r\n", 400, "invalid_host", id="no Host"),
        pytest.param(GET.replace(HOST, HOST * 2), 400, "invalid_host", id="two Hosts"),
        pytest.param(GET.replace(b"localhost", b"a@b"), 400, "invalid_host", id="a user in it"),
        pytest.param(GET.replace(b"localhost", b"a/b"), 400, "invalid_host", id="a path in it"),
        pytest.param(GET.replace(b"localhost", b"a b"), 400, "invalid_host", id="a blank in it"),
        pytest.param(GET.replace(b"localhost", b""), 400, "invalid_host", id="an empty Host"),
        pytest.param(GET.replace(b"localhost", b"\xff"), 400, "invalid_host", id="no ASCII"),
        pytest.param(
            b"GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_host", id="two in 1.0"
        ),
        pytest.param(GET.replace(b"1.1", b"2.0"), 400, "http_version_not_supported", id="HTTP/2.0"),
        pytest.param(GET.replace(b"1.1", b"1.2"), 400, "invalid_http", id="HTTP/1.2"),
        pytest.param(
            POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
            "transfer_encoding_not_supported",
            id="a coding that is not known",
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
            400,
            "invalid_http",
            id="chunked twice",
        ),
        pytest.param(
            CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
            501,
            "transfer_encoding_not_supported",
            id="chunked in HTTP/1.0",
        ),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "invalid_http",
            id="both lengths",
        ),
        pytest.param(
            POST + b"Content-Length: " + b"0" * 5000 + b"1\r\n\r\nx",
            400,
            "invalid_content_length",
            id="5,001 digits",
        ),
        pytest.param(POST + b"Content-Length: +1\r\n\r\nx", 400, "invalid_http", id="a sign"),
        pytest.param(
            POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            400,
            "invalid_http",
            id="two lengths",
        ),
        pytest.param(
            b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "invalid_http", id="path"
        ),
        pytest.param(b"\x16\x03\x01\x02\x00", 400, "invalid_http", id="TLS"),
        pytest.param(
            GET[:-2] + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431, "head_too_large", id="70 KB"
        ),
        pytest.param(b"GET /" + b"a" * 70_000, 431, "head_too_large", id="a URL without an end"),
        pytest.param(GET[:-2] + b"a:b\r\n" * 20_000, 431, "head_too_large", id="20,000 headers"),
        pytest.param(b"\r\n" * 50_000, 431, "head_too_large", id="nothing but line breaks"),
    ],
)
def test_a_head_that_is_none_is_refused_in_the_shape_of_every_error(
    raw: bytes, status: int, code: str
) -> None:
    async def script(place: Place) -> None:
        said = await place.says(raw)
        assert statuses(said) == [status]
        assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == code
        assert place.app.scopes == []

    run(script)


def test_requests_are_answered_in_their_order_and_the_connection_is_kept() -> None:
    async def script(place: Place) -> None:
        said = await place.says(
            POST + b"Content-Length: 3\r\n\r\nabc" + GET, CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n", GET
        )
        assert re.findall(rb"<(\d+)>", said) == [b"3", b"0", b"4", b"0"]

    run(script)


def test_a_trailer_is_no_header() -> None:
    async def script(place: Place) -> None:
        trailer = b"0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n"
        assert statuses(await place.says(CHUNKED + b"1\r\na\r\n" + trailer)) == [200]
        assert [name for name, _ in place.app.scopes[0]["headers"]] == [
            b"host",
            b"transfer-encoding",
        ]

    run(script)


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(b"1;" + b"e" * 60_000 + b"\r\na\r\n", id="extensions of chunks"),
        pytest.param(b"0\r\nx: " + b"t" * 200_000, id="a trailer without an end"),
    ],
)
def test_a_body_that_is_mostly_framing_is_cut(unit: bytes) -> None:
    async def script(place: Place) -> None:
        said = await place.says(CHUNKED, *[unit] * 20)
        assert statuses(said) in ([400], [])
        assert await place.are_cut()

    run(script)


def test_a_body_in_chunks_of_a_byte_is_a_body() -> None:
    async def script(place: Place) -> None:
        assert b"<50000>" in await place.says(CHUNKED, b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")

    run(script)


def test_of_a_head_without_end_no_more_is_read_than_may_be() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        sent = 0
        with contextlib.suppress(OSError):
            writer.write(GET[:-2] + b"X: ")
            while sent < 40_000_000:
                writer.write(b"a" * 500_000)
                await writer.drain()
                sent += 500_000
        assert sent < 20_000_000

    run(script)
