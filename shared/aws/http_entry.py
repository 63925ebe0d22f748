"""Answers Lambda's HTTP events with an app that stays open only as long as it is fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from litestar import Litestar
from mangum import Mangum
from mangum.protocols import LifespanCycle

KEPT_OPEN_S = 2.0
"""An environment is frozen between calls, its polling too. A snapshot older than this would break
the promise that a revoked token is refused everywhere within 2 s.
"""


class HttpEntry:
    """Answers events of API Gateway and of function URLs, one after another.

    What the app opens stays open from one call to the next, if that comes within KEPT_OPEN_S; later
    it is opened again. `now` gives Unix time in s: a monotonic clock may stand still while frozen.
    """

    def __init__(self, app: Litestar, now: Callable[[], float] = time.time) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._app: Any = app
        self._mangum = Mangum(self._app, lifespan="off")
        self._now = now
        self._lifespan: LifespanCycle | None = None
        self._used_at = 0.0

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Raises what kept the app from starting, a missing setting for example."""
        if self._lifespan is not None and not 0 <= self._now() - self._used_at <= KEPT_OPEN_S:
            self.close()
        if self._lifespan is None:
            lifespan = LifespanCycle(self._app, "on")
            lifespan.__enter__()
            self._lifespan = lifespan
        try:
            return self._mangum(event, context)
        finally:
            self._used_at = self._now()

    def close(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            lifespan.__exit__(None, None, None)
