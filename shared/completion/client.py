"""The client of one request: whether it is still there, and what its leaving ends.

Until something of an answer has come, it ends the attempt under way at once; from then on the
answer is paid for, and is read on for what it used. Sending to a client that is gone raises nothing
under uvicorn, so `receive` has to be asked.
"""

from __future__ import annotations

import asyncio

from litestar.types import Receive

from shared.errors import ServiceUnavailable
from shared.upstream.response import UpstreamResponse

LOOK_EVERY_S = 0.25
"""Who has waited that long is watched, with a task; most requests are answered before, and who left
meanwhile is seen then."""
SEND_GRACE_S = 2.0
"""Behind the request's deadline, for the error that says so."""
DRAIN_S = 10.0
DRAIN_BYTES = 4 * 1024 * 1024
"""10 s of the fastest providers: 1,000 tokens a second, each an event of 400 bytes."""
MOST_DRAINS = 50
MOST_HELD_BYTES = 256 * 1024 * 1024
"""Of the large bodies of all requests under way, whole or still coming: ten of 25 MB, or 170 photos
of 1.5 MB. One caller with a few connections could fill any machine otherwise.
"""

_FULL_S = 1.0

LEFT = "client_disconnected"
STALLED = "client_stalled"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that hung up; written to the row, never sent."""


class ClientLeft(Exception):
    """Nobody waits for the answer any more, and nothing more is tried."""


class Clients:
    """All clients that wait just now; one a process. `drains`: the answers that are read on for
    some that have left. `held_bytes`: what is held of their large bodies.
    """

    def __init__(self) -> None:
        self.drains = 0
        self.held_bytes = 0
        self._new: set[Client] = set()
        self._waiting: set[Client] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, client: Client) -> None:
        """Look after it, once it has waited for LOOK_EVERY_S; within twice that."""
        self._new.add(client)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def discard(self, client: Client) -> None:
        self._new.discard(client)
        self._waiting.discard(client)

    def _look(self) -> None:
        for client in self._waiting:
            client.look()
        self._new, self._waiting = set(), self._new
        self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)


class Client:
    """Of one request, made in the task that serves it. `stop` it at the end.

    `why_gone` is LEFT, or STALLED for one that does not read what it is sent; None: it is there.
    `deadline` is the loop's time by which the request must have its answer.
    """

    why_gone: str | None = None
    deadline = 0.0
    _is_waiting = False
    _has_cancelled = False
    _is_draining = False
    _held_bytes = 0
    _task: asyncio.Task[None] | None = None
    _answer: UpstreamResponse | None = None
    _watch: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, receive: Receive, clients: Clients) -> None:
        self._receive = receive
        self._clients = clients
        # Asked once: Python 3.11 makes a system call of each question.
        self._loop = asyncio.get_running_loop()

    def hold(self, number: int) -> None:
        """So many bytes more of its body are held until its `stop`. Raises ServiceUnavailable where
        that would be too much.
        """
        if self._clients.held_bytes + number > MOST_HELD_BYTES:
            raise ServiceUnavailable(
                "Large requests take all the room that there is for them; try again in a moment.",
                code="too_many_open_requests",
                retry_after_s=_FULL_S,
            )
        self._held_bytes += number
        self._clients.held_bytes += number

    def watch(self, deadline_s: float) -> None:
        """From now on, as the request's body has been read; it has `deadline_s` for its answer."""
        self._task = asyncio.current_task(self._loop)
        self.deadline = self._loop.time() + deadline_s
        self._clients.add(self)

    def now(self) -> float:
        """The loop's time, as that of `deadline`."""
        return self._loop.time()

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

    def stop(self) -> asyncio.Task[None] | None:
        """The task to wait for that watched it, if one did."""
        self._clients.discard(self)
        self._is_waiting = False
        # The task may keep the exception that ended it, and so all frames, this one's among them.
        self._task = self._answer = None
        if self._timer is not None:
            self._timer.cancel()
        if self._is_draining:
            self._is_draining = False
            self._clients.drains -= 1
        if self._held_bytes:
            self._clients.held_bytes -= self._held_bytes
            self._held_bytes = 0
        if self._watch is not None:
            self._watch.cancel()
        return self._watch

    def look(self) -> None:
        """Watch it, as it has waited for a while."""
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
        """In the place of the timer for one that does not read: this one reads no more at all."""
        if self._clients.drains >= MOST_DRAINS:
            answer.close()
            return
        self._clients.drains += 1
        self._is_draining = True
        answer.allow(DRAIN_BYTES)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(DRAIN_S, answer.close)

    def _cancel(self) -> None:
        if self._task is not None:
            self._has_cancelled = True
            self._task.cancel()
