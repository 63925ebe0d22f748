"""The head of a request to a provider, with the key where that provider wants it, and read back."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.provider import Auth

_CRLF: Final = b"\r\n"
_CREDENTIAL: Final = re.compile(rb"(?im)^(?:authorization: bearer|x-api-key:) ([^\r\n]+)")


def request_headers(api_key: str | None, *, auth: Auth = Auth.BEARER, more: bytes = b"") -> bytes:
    """Header lines, each ending in CRLF, as those in `more` do.

    Raises ValueError for a key that no header can carry; the message does not repeat it.
    """
    lines = b"content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
    if api_key is None:
        return lines + more
    if not api_key.isascii() or not api_key.isprintable():
        raise ValueError("the API key has characters that a header cannot carry")
    name = b"x-api-key: " if auth is Auth.X_API_KEY else b"authorization: Bearer "
    return b"%b%b\r\n%b%b" % (name, api_key.encode(), lines, more)


def with_lines(headers: bytes, lines: bytes) -> bytes:
    """Header lines with `lines` in the place of those of the same names."""
    names = {line.partition(b":")[0] for line in lines.split(_CRLF)}
    kept = [line for line in headers.split(_CRLF) if line.partition(b":")[0] not in names]
    return b"".join(line + _CRLF for line in kept) + lines


def secrets_in(headers: bytes) -> list[str]:
    """The keys in header lines as `request_headers` writes them."""
    return [found.decode() for found in _CREDENTIAL.findall(headers)]
