"""A request to an upstream, and its head as it goes over the wire (RFC 9112, section 3)."""

from __future__ import annotations

import msgspec

from shared.upstream.origin import Origin

_BODYLESS = (b"GET", b"HEAD", b"OPTIONS", b"DELETE")


class UpstreamRequest(msgspec.Struct, frozen=True):
    """A request: `target` is path and query, `headers` whole lines, each with its CR LF.

    Host, content-length and accept-encoding are added on sending and must not be among them.
    `may_be_private`: the operator named this place, so it may be at an address that is not public.
    `goes_direct`: it is a server of the operator's own, which no proxy stands before.
    """

    method: bytes
    origin: Origin
    target: bytes
    headers: bytes
    body: bytes
    may_be_private: bool = False
    goes_direct: bool = False

    def __repr__(self) -> str:
        return f"UpstreamRequest({self.method.decode()} {self.origin.host})"


def head_of(outgoing: UpstreamRequest) -> bytes:
    """The request line and the headers, with those that the transport adds, and the empty line."""
    length = b""
    if outgoing.body or outgoing.method not in _BODYLESS:
        length = b"content-length: %d\r\n" % len(outgoing.body)
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%baccept-encoding: identity\r\n%b\r\n" % (
        outgoing.method,
        outgoing.target,
        outgoing.origin.authority,
        outgoing.headers,
        length,
    )
