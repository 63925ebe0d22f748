"""The client of one request: whether it is still there, and what its leaving ends.

Until something of an answer has come, it ends the attempt under way at once; from then on the
answer is paid for, and is read on for what it used. Sending to a client that is gone raises nothing
under uvicorn, so `receive` has to be asked.
"""

from __future__ import annotations

import asyncio

from litestar.types import Receive

from shared.upstream.response import UpstreamResponse

LOOK_AFTER_S = 0.25
"""A request that is answered sooner pays for a timer and no task; who left before is seen then."""
SEND_GRACE_S = 2.0
"""Behind the request's deadline, for the error that says so."""
DRAIN_S = 10.0
DRAIN_BYTES = 4 * 1024 * 1024
"""10 s of the fastest providers: 1,000 tokens a second, each an event of 400 bytes."""
MOST_DRAINS = 50

LEFT = "client_disconnected"
STALLED = "client_stalled"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that hung up; written to the row, never sent."""


class ClientLeft(Exception):
    """Nobody waits for the answer any more, and nothing more is tried."""


class Drains:
    """The answers that are read on though their clients have left; one a process."""

    def __init__(self) -> None:
        self.open = 0


class Client:
    """Of one request, made in the task that serves it. `stop` it at the end.

    `why_gone` is LEFT, or STALLED for one that does not read what it is sent; None: it is there.
    `deadline` is the loop's time by which the request must have its answer.
    """

    __slots__ = (
        "_answer",
        "_drain_timer",
        "_drains",
        "_has_cancelled",
        "_is_waiting",
        "_loop",
        "_receive",
        "_task",
        "_timer",
        "_watch",
        "deadline",
        "why_gone",
    )

    def __init__(self, receive: Receive, drains: Drains) -> None:
        self.why_gone: str | None = None
        self._receive = receive
        self._drains = drains
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self.deadline = 0.0
        self._is_waiting = False
        self._has_cancelled = False
        self._answer: UpstreamResponse | None = None
        self._watch: asyncio.Task[None] | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, deadline_s: float) -> None:
        """From now on, as the request's body has been read; it has `deadline_s` for its answer."""
        self.deadline = self._loop.time() + deadline_s
        self._timer = self._loop.call_later(LOOK_AFTER_S, self._look)

    def wait(self) -> None:
        """Nothing of an answer has come: its leaving cancels the task. Raises ClientLeft."""
        if self.why_gone is not None:
            raise ClientLeft
        self._answer = None
        self._is_waiting = True

    def keep(self, answer: UpstreamResponse) -> None:
        """Something of `answer` has come: if the client leaves, or has, it is read on."""
        self._is_waiting = False
        self._answer = answer

    def has_cancelled(self) -> bool:
        """Whether the cancellation just caught is the client's doing alone; it is taken back."""
        if not self._has_cancelled or self._task is None:
            return False
        self._has_cancelled = False
        return self._task.uncancel() == 0

    async def stop(self) -> None:
        self._is_waiting = False
        self._answer = None
        if self._timer is not None:
            self._timer.cancel()
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None
            self._drains.open -= 1
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])

    def _look(self) -> None:
        self._watch = self._loop.create_task(self._wait_for_hang_up())
        self._timer = self._loop.call_at(self.deadline + SEND_GRACE_S, self._stall)

    async def _wait_for_hang_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.why_gone = LEFT
        if self._answer is not None:
            self._drain(self._answer)
        elif self._is_waiting:
            self._cancel()

    def _stall(self) -> None:
        """Every wait for a provider has ended by now: only a client can hold the request up."""
        if self.why_gone is None:
            self.why_gone = STALLED
        self._cancel()

    def _drain(self, answer: UpstreamResponse) -> None:
        if self._drains.open >= MOST_DRAINS:
            answer.close()
            return
        self._drains.open += 1
        answer.allow(DRAIN_BYTES)
        self._drain_timer = self._loop.call_later(DRAIN_S, answer.close)

    def _cancel(self) -> None:
        if self._task is not None:
            self._has_cancelled = True
            self._task.cancel()
