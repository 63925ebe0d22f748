"""Users, as tokens, own keys and usage name them: who they are, what they used, who is blocked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import msgspec
from psycopg.rows import class_row

from shared.auth.authenticator import Authenticator
from shared.catalog.news.change import TOKENS, News, changing
from shared.catalog.watch import SnapshotKeeper
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import InvalidField, NotFound
from shared.resources import opener
from shared.wire.text import MAX_TEXT, clean

_MOST = 1000
DAYS = 30
"""Of usage, where nothing else is asked for."""


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
    is_blocked: bool
    first_seen_at: datetime | None


class ChangeUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user who is blocked is refused everywhere within 2 s, with every token of theirs."""

    is_blocked: bool


_USERS = """
    WITH named AS (
        SELECT user_id FROM access_tokens
        UNION SELECT user_id FROM user_api_keys
        UNION SELECT user_id FROM users
        UNION SELECT user_id FROM usage_daily WHERE day >= %(since)s::date
    )
    SELECT named.user_id,
        coalesce(held.tiers, '{}') AS tiers, coalesce(held.tokens, 0)::int AS tokens,
        coalesce(own.providers, '{}') AS own_keys,
        coalesce(used.requests, 0)::int AS requests, coalesce(used.cost_usd, 0) AS cost_usd,
        used.last_day::timestamptz AS last_day,
        coalesce(known.is_blocked, false) AS is_blocked, known.first_seen_at
    FROM named
    LEFT JOIN users AS known ON known.user_id = named.user_id
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
    """Whoever has a token, a key or usage is one, written down or not.

    `on_change` is called where what is remembered of callers may be wrong.
    """

    def __init__(
        self,
        database: Connects,
        news: News | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._news = news
        self._on_change = on_change

    async def block(self, user_id: str, change: ChangeUser, actor: Actor) -> UserRow:
        """Block a user, or let them in again; one whom nobody has seen yet, too."""
        if not is_label(user_id):
            raise InvalidField("A user id has 1 to 200 printable characters.", param="user_id")
        async with changing(self._database, self._news, TOKENS, None) as connection:
            await connection.execute(
                "INSERT INTO users AS held (user_id, is_blocked) VALUES (%s, %s)"
                " ON CONFLICT (user_id) DO UPDATE SET is_blocked = EXCLUDED.is_blocked",
                (user_id, change.is_blocked),
            )
            await append_audit(
                connection,
                actor,
                Action.USER_BLOCKED if change.is_blocked else Action.USER_UNBLOCKED,
                "user",
                user_id,
            )
        self._on_change()
        return await self.find(user_id, DAYS)

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


def is_label(text: str) -> bool:
    """Whether `text` may name a user or a team: as it is kept, and not empty."""
    return 0 < len(text) <= MAX_TEXT and clean(text) == text


async def note_user(connection: Connection, user_id: str) -> None:
    """Write down that there is such a user, in the caller's transaction."""
    await connection.execute(
        "INSERT INTO users (user_id) VALUES (%s) ON CONFLICT (user_id) DO NOTHING", (user_id,)
    )


@opener
async def open_users(
    database: Database, keeper: SnapshotKeeper, authenticator: Authenticator
) -> AsyncGenerator[Users]:
    yield Users(database, keeper.news, authenticator.forget)
