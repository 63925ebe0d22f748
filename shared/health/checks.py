"""What a run of checks reads and writes: llm_providers.health_*, system_key_status, the history.

is_active is an admin's and is not written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.wire.model_list import Offered

HISTORY_DAYS = 90

ANSWERED = "answered"
FAILED = "failed"
NOT_JUDGED = "not_judged"


class PastCheck(msgspec.Struct, frozen=True):
    provider_id: int
    checked_at: datetime
    outcome: str


class Standing(msgspec.Struct, frozen=True):
    """What is written of a provider; `checks` are its last judged ones, newest first."""

    status: str
    checks: tuple[PastCheck, ...]


class Verdict(msgspec.Struct, frozen=True):
    """What a check found. `outcome` is as in provider_health_checks; `key_status` None leaves
    what is known of the platform's key as it is, `offered` None the list of its models.
    """

    provider_id: int
    checked_at: datetime
    run: str
    status: str
    reason: str | None
    outcome: str
    response_time_ms: int | None
    status_code: int | None
    check_reason: str | None
    key_status: str | None = None
    key_reason: str | None = None
    offered: tuple[Offered, ...] | None = None


async def is_recorded(connection: psycopg.AsyncConnection[Any], run: str) -> bool:
    """Whether that run of today has been written: its rows come in one transaction."""
    cursor = await connection.execute(
        "SELECT 1 FROM provider_health_checks"
        " WHERE run = %s AND checked_at > now() - interval '1 day' LIMIT 1",
        (run,),
    )
    return await cursor.fetchone() is not None


async def lock_standings(
    connection: psycopg.AsyncConnection[Any], *, checks: int
) -> Mapping[int, Standing]:
    """By id, each with so many of its last checks; theirs alone until the transaction's end.

    A second run that ends meanwhile waits, and then counts this one's checks, too.
    """
    locked = await connection.execute(
        "SELECT id, health_status FROM llm_providers ORDER BY id FOR NO KEY UPDATE"
    )
    statuses: dict[int, str] = dict(await locked.fetchall())
    past: dict[int, list[PastCheck]] = {provider_id: [] for provider_id in statuses}
    async with connection.cursor(row_factory=class_row(PastCheck)) as cursor:
        await cursor.execute(
            "SELECT past.* FROM llm_providers AS provider, LATERAL ("
            " SELECT provider_id, checked_at, outcome FROM provider_health_checks"
            " WHERE provider_id = provider.id AND outcome <> %s"
            " ORDER BY checked_at DESC LIMIT %s) AS past",
            (NOT_JUDGED, checks),
        )
        for check in await cursor.fetchall():
            past.setdefault(check.provider_id, []).append(check)
    return {
        provider_id: Standing(
            status,
            tuple(sorted(past[provider_id], key=lambda check: check.checked_at, reverse=True)),
        )
        for provider_id, status in statuses.items()
    }


_MARK = (
    "UPDATE llm_providers SET health_status = %(status)s, health_reason = %(reason)s,"
    " health_last_checked = %(checked_at)s, health_response_time_ms = %(response_time_ms)s"
    " WHERE id = %(provider_id)s"
)
# Our own network was at fault: what was seen before still stands, unless it has grown old.
_MARK_UNJUDGED = (
    "UPDATE llm_providers SET health_status = %(status)s, health_reason = %(reason)s"
    " WHERE id = %(provider_id)s AND health_status <> %(status)s"
)
# A key that is none any more was checked by nobody.
_MARK_KEY = (
    "UPDATE llm_providers SET system_key_status = %(key_status)s,"
    " system_key_reason = %(key_reason)s, system_key_checked_at ="
    " CASE WHEN %(key_status)s = 'unverified' THEN NULL ELSE %(checked_at)s END"
    " WHERE id = %(provider_id)s"
)
# Each change of it is read by every process.
_LIST = (
    "UPDATE llm_providers SET offered_models = %(offered)s"
    " WHERE id = %(provider_id)s AND offered_models IS DISTINCT FROM %(offered)s"
)
_REMEMBER = (
    "INSERT INTO provider_health_checks"
    " (provider_id, checked_at, status, response_time_ms, status_code, reason, outcome, run)"
    " VALUES (%(provider_id)s, %(checked_at)s, %(status)s, %(response_time_ms)s,"
    " %(status_code)s, %(check_reason)s, %(outcome)s, %(run)s)"
)


async def write_verdicts(
    connection: psycopg.AsyncConnection[Any], verdicts: Iterable[Verdict]
) -> None:
    """Write them, each with its row of history, in the caller's transaction."""
    for verdict in verdicts:
        row = msgspec.structs.asdict(verdict)
        mark = _MARK_UNJUDGED if verdict.outcome == NOT_JUDGED else _MARK
        await connection.execute(mark, row)
        if verdict.key_status is not None:
            await connection.execute(_MARK_KEY, row)
        if verdict.offered is not None:
            models = Jsonb(msgspec.to_builtins(verdict.offered))
            await connection.execute(_LIST, {**row, "offered": models})
        await connection.execute(_REMEMBER, row)


def forget_stale(connection: psycopg.Connection[Any], stale_s: int) -> int:
    """Call unknown what nobody has checked for so long, so that it is tried; how many."""
    return connection.execute(
        "UPDATE llm_providers SET health_status = 'unknown',"
        " health_reason = format('no check for %%s minutes', %(stale_s)s / 60)"
        " WHERE health_status <> 'unknown'"
        " AND health_last_checked < now() - make_interval(secs => %(stale_s)s)",
        {"stale_s": stale_s},
    ).rowcount


def trim_history(connection: psycopg.Connection[Any]) -> int:
    """Forget checks that are older than HISTORY_DAYS; how many."""
    return connection.execute(
        "DELETE FROM provider_health_checks WHERE checked_at < now() - make_interval(days => %s)",
        (HISTORY_DAYS,),
    ).rowcount
