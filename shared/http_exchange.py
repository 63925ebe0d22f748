"""One request on a connection and its answer: uvicorn's cycle, as cheap as a completion needs it.

The head of an answer goes out with the first of its body, in one system call, as ASGI says a server
should. It is checked as a whole, by deleting what is allowed: a regular expression costs fifty
instructions a byte. What cannot be in it is told from what uvicorn refuses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_WITHOUT_BODY = (204, 304)
_JOINED_BYTES = 1 << 16
_LINE_END = b"\r\n"
_AFTER_NAME = b": "
_BYTES = [bytes((byte,)) for byte in range(256)]
_OF_NAMES = b"".join(one for one in _BYTES if not HEADER_RE.search(one))
_OF_VALUES = b"".join(one for one in _BYTES if not HEADER_VALUE_RE.search(one))


class Exchange(RequestResponseCycle):
    """What is the same at the beginning of each stands on the class."""

    disconnected = response_started = response_complete = False
    more_body = True
    head = b""
    chunked_encoding: bool | None = None
    expected_content_length = 0

    def __init__(self, connection: HttpToolsProtocol, *, keep_alive: bool) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.access_logger = connection.access_logger
        self.access_log = connection.access_log
        self.default_headers = connection.server_state.default_headers
        self.message_event = asyncio.Event()
        self.on_response = connection.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body = bytearray()

    async def send(self, message: Any) -> None:
        """Raises RuntimeError for what no server may send."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._begin(message)
        elif not self.response_complete:
            self._go_on(message)
        else:
            raise RuntimeError(f"{message['type']} after the answer was complete")

    def _begin(self, message: Any) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"{message['type']} before http.response.start")
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        if self.access_log:
            self._log_access(status)
        headers = [*self.default_headers, *message.get("headers", ())]
        by_name = dict(headers)
        if b"".join(by_name).translate(None, _OF_NAMES):
            raise RuntimeError("a header's name is none")
        lines = list(map(_AFTER_NAME.join, headers))
        says_close = self._read_framing(by_name)
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close")
        if (
            self.chunked_encoding is None
            and status not in _WITHOUT_BODY
            and self.scope["method"] != "HEAD"
        ):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked")
        lines.append(_LINE_END)
        head = _LINE_END.join(lines)
        # What is left of it are the ends of its lines, unless a value holds one.
        if len(head.translate(None, _OF_VALUES)) != len(_LINE_END) * len(lines):
            raise RuntimeError("a header's value is none")
        self.head = STATUS_LINE[status] + head

    def _read_framing(self, headers: dict[bytes, bytes]) -> bool:
        """Note how the body is framed; returns whether a header closes the connection."""
        if (length := headers.get(b"content-length")) is not None:
            self.expected_content_length = int(length)
            self.chunked_encoding = False
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        if b"connection" not in headers or b"close" not in headers[b"connection"].lower():
            return False
        self.keep_alive = False
        return True

    def _go_on(self, message: Any) -> None:
        if message["type"] != "http.response.body":
            raise RuntimeError(f"{message['type']} after the answer's head")
        body = message.get("body", b"")
        is_last = not message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            last = b"0\r\n\r\n" if is_last else b""
            body = b"%x\r\n%b\r\n%b" % (len(body), body, last) if body else last
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the body is longer than its content-length")
        head, self.head = self.head, b""
        if head and len(body) > _JOINED_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        elif head or body:
            self.transport.write(head + body)
        if is_last:
            self._complete()

    def _complete(self) -> None:
        if self.expected_content_length:
            raise RuntimeError("the body is shorter than its content-length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _log_access(self, status: int) -> None:
        scope = self.scope
        self.access_logger.info(
            '%s - "%s %s HTTP/%s" %d',
            get_client_addr(scope),
            scope["method"],
            get_path_with_query_string(scope),
            scope["http_version"],
            status,
        )
