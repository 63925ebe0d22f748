"""What PostgreSQL says was spent of a budget: the truth, where Redis or a process was lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from shared.db.connect import Database, Use
from shared.limits.lease import Lease
from shared.limits.limit import NANO_USD_PER_USD, Scope
from shared.log import get_logger

_WITHIN_S = 5.0
_CLOCKS_S = 0.05
"""What the clocks of this machine and of PostgreSQL may differ by."""

_MODEL = """log.model_id IN (
    SELECT model.id FROM llm_models model JOIN llm_providers provider
    ON provider.id = model.provider_id
    WHERE %(subject)s IN (model.model_id, provider.provider_slug || '/' || model.model_id))"""
_CREDENTIAL = """log.user_key_id::text = %(subject)s OR (log.user_key_id IS NULL
    AND log.provider_id IN (SELECT id FROM llm_providers WHERE provider_slug = %(subject)s))"""
_OF: dict[Scope, LiteralString] = {
    Scope.TOKEN: "log.access_token_id::text = %(subject)s",
    Scope.USER: "log.user_id = %(subject)s",
    Scope.TIER: "log.user_id = %(subject)s",
    Scope.TEAM: "log.team_id = %(subject)s",
    Scope.END_USER: "log.end_user = %(subject)s",
    Scope.TAG: "log.tags ? %(subject)s",
    Scope.MODEL: _MODEL,
    Scope.CREDENTIAL: _CREDENTIAL,
    Scope.ALL: "true",
}
_SUM = """
SELECT coalesce(sum(log.cost_total_usd), 0) FROM llm_usage_logs log
WHERE log.created_at >= %(begins)s AND log.created_at < %(ends)s
AND log.created_at + make_interval(secs => coalesce(log.latency_ms, 0) / 1000.0)
    < clock_timestamp() - make_interval(secs => %(ago_s)s)
AND (log.billed_to = 'platform' OR %(counts_byok)s)
AND (NOT log.is_simulated OR %(counts_simulated)s)
AND ({})
"""


async def set_floors(database: Database, leases: Sequence[Lease], *, simulated: bool) -> bool:
    """Set `floor` of each to what was used until its `floor_before`.

    False, and a line in the log, where PostgreSQL does not answer.

    `simulated`: money of simulated providers counts, as there are no others.
    """
    try:
        async with database.connection(Use.LOOK_UP, within_s=_WITHIN_S) as connection:
            for lease in leases:
                lease.floor = await _spent(connection, lease, simulated=simulated)
    except (psycopg.Error, OSError) as error:
        get_logger().warning("limits.spent_unknown", error=type(error).__name__)
        return False
    return True


async def _spent(connection: psycopg.AsyncConnection[Any], lease: Lease, *, simulated: bool) -> int:
    """nano-USD in the period of the lease."""
    if lease.period is None:
        return 0
    values = {
        "subject": lease.subject,
        "begins": datetime.fromtimestamp(lease.period.begins, UTC),
        "ends": datetime.fromtimestamp(lease.period.ends, UTC),
        "ago_s": time.monotonic() - lease.floor_before + _CLOCKS_S,
        "counts_byok": lease.limit.counts_byok,
        "counts_simulated": simulated,
    }
    query = sql.SQL(_SUM).format(sql.SQL(_OF[lease.limit.scope]))
    cursor = await connection.execute(query, values)
    [(usd,)] = await cursor.fetchall()
    return int(usd * NANO_USD_PER_USD)
