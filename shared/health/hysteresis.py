"""From checks and live traffic to a provider's health: pure, and slow to condemn.

Two failed checks degrade, three take down where live traffic agrees or there is none, two answers
heal; the first answer of a provider we know nothing of makes it healthy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from shared.routing.snapshot import Health

DEGRADED_AFTER = 2
DOWN_AFTER = 3
HEALTHY_AFTER = 2
LOCAL_FAULT_FROM = 3
"""So many providers that cannot be connected to at once are our own network's fault."""

_STALE_AFTER = timedelta(minutes=15)
_MISSED_CHECKS = 3


class Check(msgspec.Struct, frozen=True):
    """One check that says something of the provider. `what` is how it failed, in a few words."""

    at: datetime
    is_success: bool
    what: str = ""


class Traffic(msgspec.Struct, frozen=True):
    """Outcomes of live calls to a provider within the last window, over all processes."""

    successes: int = 0
    failures: int = 0

    @property
    def contradicts_failure(self) -> bool:
        """More calls succeed than fail: the free endpoint alone is broken."""
        return self.successes > self.failures


class Decision(msgspec.Struct, frozen=True):
    """`reason` is None for what is plainly well."""

    status: Health
    reason: str | None


def stale_after(interval_s: int) -> timedelta:
    """How old a check may be: 15 minutes, or three intervals where those are longer."""
    return max(_STALE_AFTER, timedelta(seconds=_MISSED_CHECKS * interval_s))


def is_local_fault(unconnected: int, answered: int) -> bool:
    """Whether so many providers without a connection are our own network: only if none answered."""
    return unconnected >= LOCAL_FAULT_FROM and not answered


def decide(
    status: Health,
    checks: Sequence[Check],
    traffic: Traffic | None,
    now: datetime,
    stale: timedelta,
) -> Decision:
    """The health after `checks` (newest first, the present one included).

    Those older than `stale` say nothing any more; where none is left, or the present one is the
    only one, `status` counts as unknown. `traffic` None: nobody knows how live calls go, which
    takes nothing down.
    """
    fresh = [check for check in checks if now - check.at <= stale]
    if not fresh:
        return Decision(Health.UNKNOWN, f"no check for {_minutes(stale)} minutes")
    if len(fresh) == 1:
        status = Health.UNKNOWN
    if fresh[0].is_success:
        return _after_success(status, _streak(fresh, is_success=True))
    return _after_failure(status, _streak(fresh, is_success=False), traffic, fresh[0].what)


def _after_success(status: Health, successes: int) -> Decision:
    if status in (Health.HEALTHY, Health.UNKNOWN) or successes >= HEALTHY_AFTER:
        return Decision(Health.HEALTHY, None)
    return Decision(status, "answers again; one more answer makes it healthy")


def _after_failure(status: Health, failures: int, traffic: Traffic | None, what: str) -> Decision:
    if failures >= DOWN_AFTER and traffic is None:
        worse = Health.DOWN if status is Health.DOWN else Health.DEGRADED
        return Decision(
            worse, f"the last {failures} checks failed, and live calls are not known: {what}"
        )
    if failures >= DOWN_AFTER and traffic is not None and not traffic.contradicts_failure:
        return Decision(Health.DOWN, f"the last {failures} checks failed: {what}")
    if failures >= DOWN_AFTER:
        return Decision(
            Health.DEGRADED, f"the last {failures} checks failed, but live calls succeed: {what}"
        )
    if failures >= DEGRADED_AFTER:
        worse = Health.DOWN if status is Health.DOWN else Health.DEGRADED
        return Decision(worse, f"the last {failures} checks failed: {what}")
    return Decision(status, f"the last check failed: {what}")


def _streak(checks: Iterable[Check], *, is_success: bool) -> int:
    return sum(1 for _ in takewhile(lambda check: check.is_success is is_success, checks))


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
