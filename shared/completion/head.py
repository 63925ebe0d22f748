"""The head of an answer; that of a stream is held back while another candidate may be tried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from litestar.types import HTTPResponseStartEvent, Send

from shared.completion.admit import Asked
from shared.completion.router import Plan
from shared.completion.wire import Wire
from shared.limits.hold import Hold
from shared.limits.lease import Lease
from shared.limits.rate_headers import Headers, rate_headers
from shared.routing.choice import Candidate

HOLD_S = 10.0
COMMENT_EVERY_S = 10.0

_COMMENT = b": waiting for the model\n\n"
_ANTHROPICS = "messages"


def answer_headers(
    asked: Asked,
    level: str | None,
    candidate: Candidate,
    content_type: bytes,
    hold: Hold | None = None,
) -> Headers:
    """Of a success; `hold`: what it has reserved of limits."""
    model, request_id = candidate.model, asked.request_id.encode()
    headers = [
        (b"content-type", content_type),
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"x-switchyard-provider", model.provider.slug.encode()),
        (b"x-switchyard-model", model.model_id.encode("latin-1", "replace")),
        (b"x-switchyard-power-level", (level or "").encode()),
    ]
    return headers if hold is None else headers + told_rates(asked.wire, hold.rates)


def told_rates(wire: Wire, rates: Sequence[Lease]) -> Headers:
    """In the headers that clients of the door know."""
    is_anthropic = wire.endpoint == _ANTHROPICS
    now, wall = time.monotonic(), time.time()
    return rate_headers(rates, now=now, wall=wall, is_anthropic=is_anthropic)


class Head:
    """The head of a stream, held back so that an early error can still fall over.

    For HOLD_S at most: then it goes out, with a comment every COMMENT_EVERY_S until there is
    content, because platforms cut a request that is silent for 30 s. From then on what was begun
    is not begun again elsewhere. It is the one thing that may go out before an answer is won.
    """

    def __init__(self, asked: Asked, plan: Plan, send: Send) -> None:
        self.candidate = plan.preferred
        self.is_held = True
        self.is_sent = False
        self.hold: Hold | None = None
        self.plan = plan
        self._asked = asked
        self._send = send
        self._comments: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(HOLD_S, self._begin)

    async def send(self) -> None:
        """Send it unless it is out, and no more comments."""
        await self.stop()
        if not self.is_sent:
            self.is_sent = True
            await self._send(self._start())

    async def stop(self) -> None:
        """Send nothing by itself any more."""
        self._timer.cancel()
        if self._comments is not None:
            self._comments.cancel()
            await asyncio.wait([self._comments])

    def _begin(self) -> None:
        self._comments = asyncio.create_task(self._keep_alive())

    async def _keep_alive(self) -> None:
        # Not sooner: in the turn of the timer the attempt may fail, and this be stopped unsent.
        self.is_held = False
        await self._send(self._start())
        self.is_sent = True
        while True:
            await self._send({"type": "http.response.body", "body": _COMMENT, "more_body": True})
            await asyncio.sleep(COMMENT_EVERY_S)

    def _start(self) -> HTTPResponseStartEvent:
        level = self.plan.level_of(self.candidate)
        content_type = b"text/event-stream; charset=utf-8"
        headers = answer_headers(self._asked, level, self.candidate, content_type, self.hold)
        headers.append((b"cache-control", b"no-cache"))
        headers.append((b"x-accel-buffering", b"no"))
        return {"type": "http.response.start", "status": 200, "headers": headers}
