"""Undoes the content codings of an answer (RFC 9110, section 8.4), piece by piece.

None is asked for, and some upstreams and CDNs compress all the same: gzip (x-gzip) and deflate are
undone, one in another too. br and zstd would each be a dependency for what nobody asked for.

A name that is no coding (`utf-8`, `none`) is a mistake of who wrote it, and so is gzip where a
proxy has decoded it and left the header on: the bytes are taken as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

from shared.upstream.faults import ProtocolViolation, UnreadableEncoding

STEP_BYTES: Final = 16 * 1024
"""No step gives out more, however small what it was made of: a bomb costs what is read of it. To
read 256 KB of events that are none takes 300 ms; between two steps everybody else has a turn."""

_MOST_CODINGS: Final = 3
_NOT_UNDONE: Final = frozenset(
    {"br", "zstd", "compress", "x-compress", "exi", "dcb", "dcz", "aes128gcm", "pack200-gzip"}
)
"""IANA's registry of HTTP content codings, beside those that are undone here."""
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15
_TEXT_BEGINS: Final = frozenset({b"{", b"[", b"d", b"e", b"i", b"r", b":", b"\n", b"\r", b" "})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_HEADER_BYTES: Final = 2


class _Layer(Protocol):
    def pull(self) -> bytes:
        """The next bytes, or nothing until more has come."""
        ...


class _Inflate(Protocol):
    """zlib's decompression object."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class Decoding:
    """The codings that `headers` name, to be undone in the order opposite to theirs.

    Raises UnreadableEncoding for one that is not known.
    """

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._input = _Input()
        self._last: _Layer = self._input
        for coding in reversed(_codings_in(headers)):
            self._last = _Inflated(self._last, is_gzip=coding != "deflate")

    async def next(self, read: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """At least one byte, None at the end. `read` brings what came over the wire.

        An end before the coding's own is not looked for: whoever reads the answer sees that it is
        not whole.
        """
        while True:
            try:
                data = self._last.pull()
            except zlib.error as error:
                raise ProtocolViolation("the answer's compression is damaged") from error
            if data:
                return data
            coded = await read()
            if coded is None:
                return None
            self._input.put(coded)


class _Input:
    def __init__(self) -> None:
        self._data = b""

    def put(self, data: bytes) -> None:
        self._data = data

    def pull(self) -> bytes:
        data, self._data = self._data, b""
        return data


class _Inflated:
    """gzip (RFC 1952), of several members too, or deflate (RFC 1950, or as RFC 1951 alone, which
    some servers send under that name)."""

    def __init__(self, source: _Layer, *, is_gzip: bool) -> None:
        self._source = source
        self._is_gzip = is_gzip
        self._inflate: _Inflate | None = None
        self._coded = b""
        self._is_full = self._is_over = False
        self._members = 0
        self._is_text = False

    def pull(self) -> bytes:
        while True:
            inflate = self._begun() if self._coded or self._is_full else None
            if inflate is None:
                more = self._source.pull()
                if not more:
                    return b""
                self._is_text = self._is_text or self._begins_text(more)
                if self._is_text:
                    return more
                self._coded += more
            elif data := self._decoded(inflate):
                return data

    def _begins_text(self, data: bytes) -> bool:
        """Whether what is called gzip begins as JSON or events do, and as gzip never does."""
        is_first = self._inflate is None and not self._members and not self._coded
        return self._is_gzip and is_first and data[:1] in _TEXT_BEGINS

    def _begun(self) -> _Inflate | None:
        """What decodes what has come, as soon as its first two bytes tell what that is."""
        if self._inflate is None and len(self._coded) >= _HEADER_BYTES:
            first, second = self._coded[:_HEADER_BYTES]
            if self._is_gzip:
                self._is_over = self._members > 0 and self._coded[:_HEADER_BYTES] != _GZIP_MAGIC
                self._inflate = zlib.decompressobj(_GZIP)
            else:
                self._is_over = self._members > 0
                is_wrapped = first & 15 == zlib.DEFLATED and (first << 8 | second) % 31 == 0
                self._inflate = zlib.decompressobj(_ZLIB if is_wrapped else _RAW_DEFLATE)
        if self._is_over:
            # Padding behind the last member is no part of the answer.
            self._coded = b""
        return None if self._is_over else self._inflate

    def _decoded(self, inflate: _Inflate) -> bytes:
        data = inflate.decompress(self._coded, STEP_BYTES)
        self._is_full = len(data) == STEP_BYTES
        self._coded = inflate.unconsumed_tail
        if inflate.eof:
            self._coded = inflate.unused_data
            self._inflate, self._is_full = None, False
            self._members += 1
        return data


def _codings_in(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value.decode("latin-1") for name, value in headers if name == b"content-encoding"]
    named = [coding.strip().lower() for value in values for coding in value.split(",")]
    for coding in named:
        if coding in _NOT_UNDONE:
            raise UnreadableEncoding(f"the answer is encoded ({coding}), which was not asked for")
    codings = [coding for coding in named if coding in {"gzip", "x-gzip", "deflate"}]
    if len(codings) > _MOST_CODINGS:
        raise UnreadableEncoding(f"the answer is encoded {len(codings)} times")
    return codings
