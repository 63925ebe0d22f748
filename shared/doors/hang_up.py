"""Whether a client has hung up whose connection is not read just now: reading would have told."""

from __future__ import annotations

import asyncio
import select

# Linux tells of an end behind bytes that are not read yet; elsewhere it is seen once they are.
_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def has_hung_up(transport: asyncio.Transport) -> bool:
    """Of either half: TCP cannot tell the two apart."""
    if (socket := transport.get_extra_info("socket")) is None or socket.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(socket.fileno(), _GONE)
    return bool(poll.poll(0))
