"""Users, as tokens, own keys and usage name them: who they are, and what they used lately."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import msgspec
from psycopg.rows import class_row

from shared.db.connections import Connects
from shared.errors import NotFound

_MOST = 1000


class UserRow(msgspec.Struct, frozen=True):
    """`tokens` are those that are valid now; `own_keys` the providers they stored a key for.

    `requests` and `cost_usd` are of the last `days` days, simulated ones left out.
    """

    user_id: str
    tiers: list[str]
    tokens: int
    own_keys: list[str]
    requests: int
    cost_usd: Decimal
    last_day: datetime | None


_USERS = """
    WITH named AS (
        SELECT user_id FROM access_tokens
        UNION SELECT user_id FROM user_api_keys
        UNION SELECT user_id FROM usage_daily WHERE day >= %(since)s::date
    )
    SELECT named.user_id,
        coalesce(held.tiers, '{}') AS tiers, coalesce(held.tokens, 0)::int AS tokens,
        coalesce(own.providers, '{}') AS own_keys,
        coalesce(used.requests, 0)::int AS requests, coalesce(used.cost_usd, 0) AS cost_usd,
        used.last_day::timestamptz AS last_day
    FROM named
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT tier) AS tiers, count(*) AS tokens FROM access_tokens AS t
        WHERE t.user_id = named.user_id AND t.revoked_at IS NULL
            AND (t.expires_at IS NULL OR t.expires_at > now())
    ) AS held ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(p.provider_slug::text ORDER BY p.id) AS providers
        FROM user_api_keys AS k JOIN llm_providers AS p ON p.id = k.provider_id
        WHERE k.user_id = named.user_id
    ) AS own ON true
    LEFT JOIN LATERAL (
        SELECT sum(requests) AS requests, sum(cost_total_usd + adjustments_usd) AS cost_usd,
            max(day) AS last_day
        FROM usage_daily AS u
        WHERE u.user_id = named.user_id AND day >= %(since)s::date AND NOT is_simulated
    ) AS used ON true
"""


class Users:
    """Nobody is written down as a user yet: whoever has a token, a key or usage is one."""

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self, days: int) -> list[UserRow]:
        """The 1,000 who cost most in the last `days` days, dearest first."""
        return await self._read(
            _USERS + " ORDER BY cost_usd DESC, requests DESC, named.user_id LIMIT %(most)s", days
        )

    async def find(self, user_id: str, days: int) -> UserRow:
        """Raises NotFound."""
        found = await self._read(_USERS + " WHERE named.user_id = %(user_id)s", days, user_id)
        if not found:
            raise NotFound(f"There is no user '{user_id[:100]}'.", param="user")
        return found[0]

    async def _read(
        self, query: LiteralString, days: int, user_id: str | None = None
    ) -> list[UserRow]:
        since = datetime.now(UTC) - timedelta(days=days)
        values = {"since": since, "most": _MOST, "user_id": user_id}
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(UserRow)) as cursor,
        ):
            await cursor.execute(query, values)
            return await cursor.fetchall()
