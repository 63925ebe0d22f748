"""What of a request's head a server must understand or refuse (RFC 9112, sections 3 and 6)."""

from __future__ import annotations

import re
from urllib.parse import unquote

import httptools

from shared.doors.refusals import (
    BAD_HOST,
    BAD_LENGTH,
    NO_SUCH_CODING,
    NO_SUCH_VERSION,
    Refusal,
)

CHECKED = frozenset({b"host", b"transfer-encoding", b"content-length", b"expect"})
"""The headers that `Framing` takes."""

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]+")
_MOST_DIGITS = len(str(2**63))


class Refused(Exception):  # noqa: N818  never leaves the parser
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class Framing:
    """How the request under way is framed, and whom it is for: of one connection.

    `is_chunked`: its body is. `expects`: its client waits for a 100 before it sends the body.
    """

    def __init__(self) -> None:
        self._host: bytes | None = None
        self.begin()

    def begin(self) -> None:
        """Of the next request nothing is known yet; its host is mostly the last one's."""
        self._hosts = 0
        self.is_chunked = self.expects = False

    def take(self, name: bytes, value: bytes) -> None:
        """Raises Refused."""
        if name == b"host":
            self._hosts += 1
            if value != self._host:
                if not _HOST.fullmatch(value):
                    raise Refused(BAD_HOST)
                self._host = value
        elif name == b"content-length":
            if len(value) > _MOST_DIGITS:
                raise Refused(BAD_LENGTH)
        elif name == b"expect":
            self.expects = value.lower() == b"100-continue"
        elif value.lower() != b"chunked" or self.is_chunked:
            raise Refused(NO_SUCH_CODING)
        else:
            self.is_chunked = True

    def check(self, version: str) -> None:
        """At the head's end. Raises Refused."""
        if version != "1.1":
            if version != "1.0":
                raise Refused(NO_SUCH_VERSION)
            if self.is_chunked:
                raise Refused(NO_SUCH_CODING)
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise Refused(BAD_HOST)


def read_target(url: bytes, root_path: str) -> tuple[str, bytes, bytes]:
    """The path, decoded and raw, and the query, as a scope has them."""
    parsed = httptools.parse_url(url)
    path = unquote(parsed.path.decode("ascii"))
    return root_path + path, root_path.encode("ascii") + parsed.path, parsed.query or b""
