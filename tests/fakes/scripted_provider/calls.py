"""What was asked of the simulated provider lately, for tests and benchmarks to compare with."""

from __future__ import annotations

import time
from collections import deque

import msgspec

KEPT = 10_000


class Call(msgspec.Struct):
    """One request. Times are Unix seconds; `ended_at` is None while it is under way.

    `events_sent` counts every SSE event, `[DONE]` too. `finished`: the whole answer was handed to
    the server. `aborted`: the client left first. A cut answer is neither.
    """

    method: str
    path: str
    model: str | None
    stream: bool
    key_last4: str | None
    events_sent: int
    finished: bool
    aborted: bool
    started_at: float
    ended_at: float | None


class Calls:
    """The last `KEPT` calls of this process, oldest first."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)

    def begin(self, method: str, path: str, key: str | None) -> Call:
        last4 = key[-4:] if key else None
        call = Call(method, path, None, False, last4, 0, False, False, time.time(), None)
        self._calls.append(call)
        return call

    def clear(self) -> None:
        self._calls.clear()

    def json(self) -> bytes:
        return msgspec.json.encode({"calls": list(self._calls)})
