"""Compressed request bodies: decoded as they come, to the size that a plain one may have."""

from __future__ import annotations

import zlib
from typing import Any

from litestar.types import Receive

from shared.answer_errors import MAX_BODY_BYTES
from shared.beside import beside
from shared.errors import BodyTooLarge, MalformedBody, UnknownEncoding

TAKEN = "gzip, deflate"

_GZIP = 16 + zlib.MAX_WBITS
_DEFLATE = 8
_HEAVY_BYTES = 4096


def decoded(encoding: bytes, receive: Receive) -> Receive:
    """`receive` of the plain body. Raises UnknownEncoding; what it returns raises BodyTooLarge at
    25 MB, and MalformedBody for what is not compressed so.
    """
    name = encoding.strip().lower()
    if name not in (b"gzip", b"x-gzip", b"deflate"):
        shown = name.decode("latin-1")[:50]
        raise UnknownEncoding(
            f"The content encoding '{shown}' is not taken; send {TAKEN} or the plain body.",
            param="content-encoding",
        )
    return _Decoding(receive, is_gzip=name != b"deflate")


class _Decoding:
    def __init__(self, receive: Receive, *, is_gzip: bool) -> None:
        self._receive = receive
        self._is_gzip = is_gzip
        self._decoder: Any = None
        self._size = 0

    async def __call__(self) -> Any:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        data = message.get("body", b"")
        if len(data) > _HEAVY_BYTES:
            body = await beside(self._plain, data)
        else:
            body = self._plain(data)
        is_last = not message.get("more_body")
        if is_last and self._decoder is not None and not self._decoder.eof:
            raise _broken()
        return {"type": "http.request", "body": body, "more_body": not is_last}

    def _plain(self, data: bytes) -> bytes:
        if not data:
            return b""
        if self._decoder is None:
            self._decoder = zlib.decompressobj(_GZIP if self._is_gzip else _wbits_of(data))
        try:
            body: bytes = self._decoder.decompress(data, MAX_BODY_BYTES - self._size + 1)
        except zlib.error as error:
            raise _broken() from error
        self._size += len(body)
        if self._size > MAX_BODY_BYTES:
            raise BodyTooLarge("The body is larger than 25 MB once it is decompressed.")
        if self._decoder.unused_data:
            raise _broken()
        return body


def _wbits_of(data: bytes) -> int:
    """Of `deflate`: zlib's format, as RFC 9110 says, or bare, as some clients send it."""
    is_zlib = data[0] & 15 == _DEFLATE and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0)  # noqa: PLR2004
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _broken() -> MalformedBody:
    return MalformedBody(
        "The body cannot be decompressed as its Content-Encoding says.", code="invalid_encoding"
    )
