"""Where usage goes: the INTENT before the call, the FINAL before the answer's last byte.

What writes to the spool is synchronous: once it is called it cannot be cancelled.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

import msgspec
from redis.exceptions import RedisError

from shared.completion.admit import Asked
from shared.completion.course import Course
from shared.completion.report import Reporter
from shared.completion.usage_rows import Outcome, failed, final_of, intent_of, left
from shared.errors import SpoolFull
from shared.ledger.record import UsageFinal, UsageIntent
from shared.limits.events import tell_overrun
from shared.limits.holds import Holds
from shared.limits.limit import PICO_USD_PER_NANO_USD
from shared.log import get_logger
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool

_GRACE_S = 60.0
_CONFIRM_S = 5.0
_AGAIN_S = 1.0


class UsageWriter(NamedTuple):
    """Writes what was used: for billing, and for the operator.

    `shipper` is there where the disk is ephemeral: then an answer ends once its usage was sent on.
    """

    spool: Spool
    reporter: Reporter
    shipper: Shipper | None = None
    holds: Holds | None = None

    def write_intent(self, asked: Asked, course: Course, deadline_s: float) -> UsageIntent:
        """To be asked before each attempt; it is written once a request.

        Raises SpoolFull where usage cannot be kept: then nothing may be sent upstream.
        """
        if course.intent is not None:
            return course.intent
        if self.shipper is not None and self.shipper.cannot_send:
            raise SpoolFull(
                "Usage cannot be recorded right now: the service that takes it does not answer.",
                retry_after_s=5.0,
            )
        intent = intent_of(asked, course, int((time.time() + deadline_s + _GRACE_S) * 1000))
        self.spool.intent(intent)
        return intent

    def write_final(self, asked: Asked, course: Course, outcome: Outcome) -> UsageFinal:
        """Bill the request."""
        final = final_of(asked, course, outcome, time.perf_counter())
        if asked.quote is not None:
            final = asked.quote.capped(final)
        if course.hold is not None and self.holds is not None:
            overrun = self.holds.settle(course.hold, final)
            if overrun:
                tell_overrun(final.request_id, overrun)
                pico_usd = overrun * PICO_USD_PER_NANO_USD
                final = msgspec.structs.replace(final, overrun_pico_usd=pico_usd)
        self.spool.final(final)
        model = course.candidate.model
        self.reporter.note(model.provider.slug, model.model_id, asked.chat.stream, final)
        return final

    def write_failure(self, asked: Asked, course: Course, *, status: int, code: str) -> None:
        """Close the INTENT of a request that no provider answered; drop it where none was asked."""
        if course.intent is None:
            self.release(course)
        elif course.reached_upstream or self._has_told_intent:
            self.write_final(asked, course, failed(course, status, code))
        else:
            self.release(course)
            self.spool.drop(asked.request_id)

    def write_left(self, asked: Asked, course: Course, why: str) -> None:
        """Close the INTENT of a request whose client is gone before it was answered."""
        if course.intent is None:
            self.release(course)
        elif course.reached_upstream or self._has_told_intent:
            self.write_final(asked, course, left(asked, course, why, time.perf_counter()))
        else:
            self.release(course)
            self.spool.drop(asked.request_id)

    async def reserve(self, asked: Asked, course: Course) -> None:
        """What the attempt may use of limits. Raises what `Holds.take` does."""
        if course.hold is not None and self.holds is not None:
            course.ceiling = await self.holds.take(
                *(course.hold, asked.chat, course.plan.request),
                *(course.plan.choice.level, course.candidate),
            )

    def release(self, course: Course) -> None:
        """Give back what was reserved of limits: nothing was sent."""
        if course.hold is not None and self.holds is not None:
            self.holds.settle(course.hold, None)

    @property
    def _has_told_intent(self) -> bool:
        """What may have been sent on cannot be dropped: the row says that nothing was used."""
        return self.shipper is not None and self.shipper.holds_intents

    async def confirm(self) -> None:
        """Wait, where the disk is ephemeral, until what was written is sent on; 5 s at most."""
        if self.shipper is None:
            return
        # Where the process is frozen once it has answered, nothing gathers.
        self.reporter.flush()
        try:
            await self.shipper.flush(_CONFIRM_S)
        except (RedisError, OSError) as error:
            # The shipper goes on trying, and `write_intent` refuses what comes next.
            get_logger().error("usage.unconfirmed", error=type(error).__name__)

    async def send_again(self) -> None:
        """Where what was written before is not sent on yet, try it before `write_intent` refuses.

        A process that is frozen once it has refused would have no time for the shipper's own turn.
        """
        if self.shipper is not None and self.shipper.cannot_send:
            with suppress(RedisError, OSError):
                await self.shipper.flush(_AGAIN_S)
