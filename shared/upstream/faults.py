"""How a request to an upstream can fail below HTTP.

    TransportFault
    ├── ConnectFailed           nothing was sent
    │   └── AddressRefused      the host is, or resolves to, an address we do not call
    ├── ConnectTimeout          nothing was sent
    ├── DeadlineReached         the request's total time is over
    ├── ConnectionCut           the connection ended before the answer did
    │   └── Unanswered          so early that the upstream cannot have begun to work
    ├── ProtocolViolation       what came is not HTTP/1.1
    ├── UnreadableEncoding      the answer is compressed in a way that we did not ask for
    └── BodyTooLong             the answer is longer than we read

Messages name the host at most: never a path, a header or a body.
"""

from __future__ import annotations


class TransportFault(Exception):
    """A request to an upstream failed below HTTP."""


class ConnectFailed(TransportFault):
    pass


class AddressRefused(ConnectFailed):
    pass


class ConnectTimeout(TransportFault):
    pass


class DeadlineReached(TransportFault):
    pass


class ConnectionCut(TransportFault):
    pass


class Unanswered(ConnectionCut):
    """A reused connection ended without one byte of an answer, before or while the request was
    sent, or within a round trip of that: sending again is safe.

    The upstream closed it while it was idle; RFC 9112, section 9.3.1.
    """


class ProtocolViolation(TransportFault):
    pass


class UnreadableEncoding(TransportFault):
    pass


class BodyTooLong(TransportFault):
    pass
