"""One completion, straight down: admit, choose, win, deliver. The same for every door."""

from __future__ import annotations

import asyncio
import time

from litestar.types import HTTPScope, Receive, Send

from shared.answer_errors import as_switchyard_error, log_failure
from shared.completion.admit import Admission, Asked
from shared.completion.attempts import Attempts
from shared.completion.client import Client, ClientLeft, Clients
from shared.completion.course import Won
from shared.completion.deliver import Delivery
from shared.completion.frames import release_frames
from shared.completion.head import Head, told_rates
from shared.completion.router import Plan, Router
from shared.completion.wire import Wire
from shared.errors import MethodNotAllowed
from shared.ledger.request_id import new_request_id
from shared.limits.reached import BudgetExceeded, LimitReached
from shared.wire.error_body import error_headers


class Completions:
    """What completing a request needs; one a process."""

    def __init__(
        self, *, admission: Admission, router: Router, attempts: Attempts, delivery: Delivery
    ) -> None:
        self._admission = admission
        self._router = router
        self._attempts = attempts
        self._delivery = delivery
        self._clients = Clients()

    async def serve(self, wire: Wire, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer the request. A bug of our own in delivering is not caught: it has no way back.

        A client that leaves is answered nothing; its row is written by then.
        """
        started, request_id = time.perf_counter(), new_request_id()
        client, head = Client(receive, self._clients), None
        try:
            try:
                asked = await self._admission.admit(
                    wire, scope, receive, client.hold, request_id=request_id, started=started
                )
                client.watch(self._attempts.deadline_s)
                plan = await self._router.choose(asked)
                head = Head(asked, plan, send) if asked.chat.stream else None
                won = await self._win(asked, plan, head, client)
            except ClientLeft:
                return
            except Exception as error:  # noqa: BLE001  the one place where a door's errors are mapped
                try:
                    await refuse(wire, request_id, error, send, head)
                finally:
                    release_frames(error)
            else:
                await self._delivery.deliver(asked, won, client, send)
        except asyncio.CancelledError:
            if not client.has_cancelled():
                raise
        finally:
            if (watch := client.stop()) is not None:
                await asyncio.wait([watch])
            if head is not None:
                await head.stop()

    async def _win(self, asked: Asked, plan: Plan, head: Head | None, client: Client) -> Won:
        """The answer; of a cheaper level where a budget that says so cannot pay for the one before.

        Raises what `Attempts.win` does.
        """
        while True:
            try:
                return await self._attempts.win(asked, plan, head, client)
            except BudgetExceeded as refused:
                below = self._router.step_down(asked, plan) if refused.steps_down else None
                if below is None:
                    raise
                release_frames(refused)
                plan = below
                if head is not None:
                    head.plan, head.candidate = plan, plan.preferred


async def refuse(
    wire: Wire, request_id: str, error: Exception, send: Send, head: Head | None = None
) -> None:
    """Send the error, as the only event of a stream whose head is out; log what nobody foresaw."""
    answer = as_switchyard_error(error)
    log_failure(error, answer, request_id)
    if head is not None:
        await head.stop()
        if head.is_sent:
            event = wire.error_event(answer, request_id)
            await send({"type": "http.response.body", "body": event, "more_body": False})
            return
    body = wire.error_body(answer, request_id)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"request-id", request_id.encode()),
        *((name.encode(), value.encode()) for name, value in error_headers(answer)),
    ]
    if isinstance(answer, LimitReached):
        headers += told_rates(wire, answer.rates)
    if isinstance(answer, MethodNotAllowed):
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
