"""What waits for a client to read it, and when it has waited for long enough."""

from __future__ import annotations

import asyncio

UNREAD_S = 120.0
UNREAD_BYTES = 65536
"""So much of what waits has to be taken in each UNREAD_S, or all of it: an answer of 64 MB that is
taken drop by drop would be held for days.
"""


class Unread:
    """Of one connection. Times are the loop's, in seconds."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._since: float | None = None
        self._bytes = 0

    def begin(self, now: float) -> None:
        """More waits than may be added to."""
        self._since = now
        self._bytes = self._transport.get_write_buffer_size()

    def end(self) -> None:
        self._since = None

    def is_too_long(self, now: float, *, is_given_up: bool) -> bool:
        """`is_given_up`: nothing more comes of the answer, so what waits of it is worth nothing."""
        if self._since is None:
            return False
        if is_given_up:
            return True
        if now - self._since <= UNREAD_S:
            return False
        if self._bytes - self._transport.get_write_buffer_size() < UNREAD_BYTES:
            return True
        self.begin(now)
        return False
