"""The pause between SIGTERM and the server's shutdown, in which load balancers look elsewhere.

uvicorn closes its socket and every idle connection as soon as it gets the signal. A request that a
balancer has just sent on one of them would be lost, before /readyz could have warned it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from shared.log import get_logger
from shared.resources import Resources
from shared.settings import DrainSettings

if TYPE_CHECKING:
    from uvicorn import Server

_CLOSE = (b"connection", b"close")


@contextmanager
def draining(resources: Resources) -> Generator[None]:
    """For DRAIN_S after SIGTERM, report not ready but accept requests, and close each connection
    after its answer. SIGINT ends the server at once, and so does SIGTERM under a server other than
    uvicorn.
    """
    end = signal.getsignal(signal.SIGTERM)
    server = _uvicorn_of(end)
    if server is None or not callable(end):
        yield
        return
    loop = asyncio.get_running_loop()

    def drain() -> None:
        if not resources.draining:  # a platform and uvicorn's own parent may both send it
            drain_s = resources.settings[DrainSettings].drain_s
            resources.draining = True
            _close_after_answers(server)
            get_logger().info("app.draining", seconds=drain_s)
            loop.call_later(drain_s, end, signal.SIGTERM, None)

    # Run it in the loop: the code that a signal interrupts may hold a lock, such as the log's.
    signal.signal(signal.SIGTERM, _calling(loop, drain))
    yield


def _uvicorn_of(handler: object) -> Server | None:
    """The server that installed the handler. Without one, as on Lambda, uvicorn is not loaded."""
    owner = getattr(handler, "__self__", None)
    if owner is None:
        return None
    from uvicorn import Server  # noqa: PLC0415

    return owner if isinstance(owner, Server) else None


def _close_after_answers(server: Server) -> None:
    """uvicorn closes a connection after sending this header, and rebuilds its list every second."""
    server.config.encoded_headers.append(_CLOSE)
    server.server_state.default_headers = [*server.server_state.default_headers, _CLOSE]


def _calling(
    loop: asyncio.AbstractEventLoop, callback: Callable[[], None]
) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)

    return on_signal
