"""No client waits for a Redis that says nothing for longer than it was told to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from shared.keyspace import connect, connect_async

HANGS_UP_AFTER_S = 3.0


class Silent:
    """Takes connections, says nothing, and hangs up in the end; `taken` is how many there were."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()
        self._timer = threading.Timer(HANGS_UP_AFTER_S, self.close)
        self._timer.start()

    def close(self) -> None:
        self._timer.cancel()
        self._listening.close()
        for one in self.taken:
            one.close()

    def join(self) -> None:
        self._thread.join()

    def _take(self) -> None:
        self._listening.settimeout(0.05)
        while self._listening.fileno() != -1:
            try:
                self.taken.append(self._listening.accept()[0])
            except OSError:
                continue


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()
    server.join()


def test_a_thread_gives_up_in_its_time_and_asks_once(silent: Silent) -> None:
    with connect(silent.url, 0.2) as client, pytest.raises(RedisTimeout):
        client.get("switchyard:usage")
    assert len(silent.taken) == 1


def test_an_event_loop_gives_up_in_its_time_and_asks_once(silent: Silent) -> None:
    async def ask() -> None:
        client: Any = connect_async(silent.url, 0.2)
        try:
            await client.get("switchyard:usage")
        finally:
            await client.aclose()

    with pytest.raises(RedisTimeout):
        asyncio.run(ask())
    assert len(silent.taken) == 1
