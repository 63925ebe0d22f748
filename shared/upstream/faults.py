"""How a request to an upstream can fail below HTTP.

    TransportFault
    ├── ConnectFailed           nothing was sent
    │   └── AddressRefused      the host is, or resolves to, an address we do not call
    ├── ConnectTimeout          nothing was sent
    ├── DeadlineReached         the request's total time is over
    ├── ConnectionCut           the connection ended before the answer did
    ├── ProtocolViolation       what came is not HTTP/1.1
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


class ProtocolViolation(TransportFault):
    pass


class BodyTooLong(TransportFault):
    pass
