"""The head of an answer; that of a stream is held back while another candidate may be tried."""

from __future__ import annotations

import asyncio

from litestar.types import HTTPResponseStartEvent, Send

from shared.completion.admit import Asked
from shared.completion.router import Plan
from shared.routing.choice import Candidate

HOLD_S = 10.0
COMMENT_EVERY_S = 10.0

_COMMENT = b": waiting for the model\n\n"

Headers = list[tuple[bytes, bytes]]


def answer_headers(
    asked: Asked, level: str | None, candidate: Candidate, content_type: bytes
) -> Headers:
    model, request_id = candidate.model, asked.request_id.encode()
    return [
        (b"content-type", content_type),
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"x-switchyard-provider", model.provider.slug.encode()),
        (b"x-switchyard-model", model.model_id.encode("latin-1", "replace")),
        (b"x-switchyard-power-level", (level or "").encode()),
    ]


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
        self._asked = asked
        self._plan = plan
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
        level = self._plan.level_of(self.candidate)
        headers = answer_headers(
            self._asked, level, self.candidate, b"text/event-stream; charset=utf-8"
        )
        headers.append((b"cache-control", b"no-cache"))
        headers.append((b"x-accel-buffering", b"no"))
        return {"type": "http.response.start", "status": 200, "headers": headers}
