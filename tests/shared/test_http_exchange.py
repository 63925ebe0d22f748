"""The cycle of one request: what of an answer's head is refused, and how many writes it takes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE

from shared.http_exchange import Exchange

BYTES = [bytes((byte,)) for byte in range(256)]


class Written(list[bytes]):
    def write(self, data: bytes) -> None:
        self.append(data)


def exchange(method: str = "POST") -> tuple[Exchange, Written]:
    written = Written()
    connection = SimpleNamespace(
        scope={"method": method},
        transport=written,
        flow=SimpleNamespace(write_paused=False),
        logger=None,
        access_logger=None,
        access_log=False,
        server_state=SimpleNamespace(default_headers=[(b"server", b"uvicorn")]),
        on_response_complete=lambda: None,
        expect_100_continue=False,
    )
    return Exchange(cast("Any", connection), keep_alive=True), written


def answer(*messages: dict[str, Any], method: str = "POST") -> Written:
    async def send() -> Written:
        cycle, written = exchange(method)
        for message in messages:
            await cycle.send(message)
        return written

    return asyncio.run(send())


def start(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": headers}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def is_taken(*headers: tuple[bytes, bytes]) -> bool:
    try:
        answer(start(*headers))
    except RuntimeError as error:
        return "a header's" not in str(error)
    return True


def test_each_byte_that_uvicorn_refuses_in_a_head_is_refused_and_no_other() -> None:
    names = [one for one in BYTES if is_taken((b"x-a" + one + b"b", b"value"))]
    values = [one for one in BYTES if is_taken((b"x-a", b"one" + one + b"two"))]
    assert names == [one for one in BYTES if not HEADER_RE.search(one)]
    assert values == [one for one in BYTES if not HEADER_VALUE_RE.search(one)]


@pytest.mark.parametrize("value", [b"\r\n", b"\r", b"\n", b"x\r\nset-cookie: a", b"\r\n" * 3])
def test_no_value_ends_its_line_in_any_of_two_headers_of_one_name(value: bytes) -> None:
    assert not is_taken((b"x-a", value), (b"x-a", b"fine"))
    assert not is_taken((b"x-a", b"fine"), (b"x-a", value))


def test_head_and_body_of_an_answer_are_one_write() -> None:
    (whole,) = answer(start((b"content-length", b"2")), body(b"{}"))
    assert whole == b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-length: 2\r\n\r\n{}"


def test_the_head_of_a_stream_goes_out_with_its_first_event() -> None:
    first, *more = answer(start(), body(b"one", more=True), body(b"two", more=True), body(b""))
    assert first.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n")
    assert more == [b"3\r\ntwo\r\n", b"0\r\n\r\n"]


def test_a_large_body_is_not_copied_behind_its_head() -> None:
    large = bytes(1 << 20)
    head, sent = answer(start((b"content-length", b"%d" % len(large))), body(large))
    assert head.endswith(b"\r\n\r\n")
    assert sent is large


def test_an_answer_to_head_is_a_head() -> None:
    (head,) = answer(start((b"content-length", b"7")), body(b"ignored"), method="HEAD")
    assert head.endswith(b"content-length: 7\r\n\r\n")
