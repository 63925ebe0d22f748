"""What a process holds of callers' bodies is bounded, and so is the time that one may take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from shared.completion import admit, client
from shared.completion.admit import read_body
from shared.completion.client import Client, Clients
from shared.errors import BodyTooLarge, BodyTooSlow, ServiceUnavailable

MB = 1 << 20


class Sender:
    """A client that sends pieces of 1 MB, and then stays where it is."""

    def __init__(self, pieces: int, *, ends: bool = True) -> None:
        self._left: Iterator[int] = iter(range(pieces - 1, -1, -1))
        self._ends = ends

    async def __call__(self) -> Any:
        left = next(self._left, None)
        if left is None:
            await asyncio.Event().wait()
        more = bool(left) or not self._ends
        return {"type": "http.request", "body": b"x" * MB, "more_body": more}


async def sent(sender: Sender, of: Client) -> int:
    return len(await read_body({}, sender, of.hold))


def made(clients: Clients) -> Client:
    return Client(Sender(0), clients)


def test_large_bodies_are_refused_where_they_would_fill_the_process_and_taken_when_one_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "MOST_HELD_BYTES", 10 * MB)

    async def story() -> None:
        clients = Clients()
        first, second = made(clients), made(clients)
        assert await sent(Sender(6), first) == 6 * MB
        assert await sent(Sender(1), made(clients)) == MB, "whole at once, and large"
        with pytest.raises(ServiceUnavailable) as refused:
            await sent(Sender(4), second)
        assert refused.value.code == "too_many_open_requests"
        assert refused.value.retry_after_s
        second.stop()
        first.stop()
        assert clients.held_bytes == MB
        assert await sent(Sender(8), made(clients)) == 8 * MB

    asyncio.run(story())


def test_a_body_that_is_held_back_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admit, "BODY_S", 0.05)

    async def story() -> None:
        clients = Clients()
        slow = made(clients)
        with pytest.raises(BodyTooSlow):
            await sent(Sender(3, ends=False), slow)
        slow.stop()
        assert clients.held_bytes == 0

    asyncio.run(story())


def test_a_body_is_too_large_before_it_is_held() -> None:
    async def story() -> None:
        one = made(Clients())
        with pytest.raises(BodyTooLarge):
            await sent(Sender(30), one)

    asyncio.run(story())
