"""One run: ask every provider, decide by its last checks and live traffic, write it all at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import msgspec

from functions.check_health.probe import Finding, key_verdict, probe_all
from shared.catalog.read import read_snapshot
from shared.db.connect import Connection
from shared.health.checks import (
    ANSWERED,
    FAILED,
    NOT_JUDGED,
    Standing,
    Verdict,
    is_recorded,
    lock_standings,
    write_verdicts,
)
from shared.health.hysteresis import DOWN_AFTER, Check, Traffic, decide, stale_after
from shared.log import get_logger
from shared.routing.snapshot import Health
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.transport import Transport
from shared.wire.model_list import Offered

_HEALTH = {health.value: health for health in Health}
_LOCAL_FAULT = "not judged: three or more providers could not be connected to, and none answered"


class Checker(msgspec.Struct, frozen=True):
    """What a run needs. `read_traffic` gives live calls by provider slug, None where they cannot be
    known; `now` the time in UTC.
    """

    connection: Connection
    transport: Transport
    access: PlatformAccess
    read_traffic: Callable[[], Awaitable[Mapping[str, Traffic] | None]]
    interval_s: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


async def check_health(checker: Checker, run: str) -> int:
    """How many providers were judged; 0 for a run that was written before (delivered twice).

    Raises psycopg.Error, and has then written nothing.
    """
    connection = checker.connection
    if await is_recorded(connection, run):
        return 0
    providers = (await read_snapshot(connection)).providers
    # Sentences, as the deployment guide looks for them.
    get_logger().info(f"Running health checks for {len(providers)} providers")
    findings = await probe_all(checker.transport, checker.access, providers)
    traffic = await checker.read_traffic()
    now = checker.now()
    verdicts: list[Verdict] = []
    async with connection.transaction():
        standings = await lock_standings(connection, checks=DOWN_AFTER - 1)
        # Another worker may have had the same message at the same time.
        if await is_recorded(connection, run):
            return 0
        for finding in findings.every:
            standing = standings.get(finding.provider.id)
            if standing is None:
                continue  # deleted meanwhile
            verdicts.append(
                _verdict(
                    finding,
                    standing,
                    None if traffic is None else traffic.get(finding.provider.slug, Traffic()),
                    is_judged=not findings.excuses(finding),
                    now=now,
                    interval_s=checker.interval_s,
                    run=run,
                )
            )
            _log_change(finding, standing, verdicts[-1])
        await write_verdicts(connection, verdicts)
    judged = sum(verdict.outcome != NOT_JUDGED for verdict in verdicts)
    get_logger().info(f"Health check complete: {judged}/{len(providers)} updated")
    return judged


def _verdict(
    finding: Finding,
    standing: Standing,
    traffic: Traffic | None,
    *,
    is_judged: bool,
    now: datetime,
    interval_s: int,
    run: str,
) -> Verdict:
    checks = [Check(past.checked_at, past.outcome == ANSWERED) for past in standing.checks]
    if is_judged:
        checks.insert(0, Check(now, finding.is_success, finding.what or ""))
    stale = stale_after(interval_s)
    if is_judged or not checks or now - checks[0].at > stale:
        decision = decide(_health(standing.status), checks, traffic, now, stale)
        status, reason = decision.status.value, decision.reason
    else:
        status, reason = standing.status, None
    key_status, key_reason = key_verdict(finding)
    result = finding.result
    outcome = ANSWERED if finding.is_success else FAILED
    return Verdict(
        provider_id=finding.provider.id,
        checked_at=now,
        run=run,
        status=status,
        reason=reason,
        outcome=outcome if is_judged else NOT_JUDGED,
        response_time_ms=result.response_time_ms if result and result.status else None,
        status_code=result.status if result else None,
        check_reason=finding.what if is_judged else f"{_LOCAL_FAULT}: {finding.what}",
        key_status=key_status,
        key_reason=key_reason,
        offered=_offered(finding),
    )


def _offered(finding: Finding) -> tuple[Offered, ...] | None:
    """What the platform's key can have: without it, or simulated, it is another list."""
    if finding.result is None or not finding.sent_key or finding.is_simulated:
        return None
    return finding.result.offered


def _health(status: str) -> Health:
    """Whatever else somebody wrote into the column is as good as unknown."""
    return _HEALTH.get(status, Health.UNKNOWN)


def _log_change(finding: Finding, standing: Standing, verdict: Verdict) -> None:
    if verdict.status != standing.status:
        log = get_logger().info if verdict.status == Health.HEALTHY else get_logger().warning
        log(
            "health.changed",
            provider=finding.provider.slug,
            before=standing.status,
            after=verdict.status,
            reason=verdict.reason,
        )
