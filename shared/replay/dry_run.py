"""A change tried on the last requests: made by the service that makes it, in a transaction that is
rolled back. So it is checked as it would be, and nobody else ever sees it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import psycopg
from psycopg.rows import dict_row

from shared.beside import beside
from shared.catalog.aliases import ChangeAlias, ModelAliases, NewAlias
from shared.catalog.model_changes import ChangeModel, Models, NewPrice
from shared.catalog.read import read_snapshot
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import NewRule
from shared.catalog.watch import SnapshotKeeper
from shared.db.audit import Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import NotFound
from shared.limits.book import Book
from shared.limits.changes import LimitChanges, NewLimit
from shared.limits.limit import SELECT_LIMITS, read_limits
from shared.replay.decide import Outcome, Ways, outcome_of
from shared.replay.limited import outcome_under
from shared.replay.past import read_past
from shared.resources import opener
from shared.routing.snapshot import Snapshot
from shared.upstream.platform_access import PlatformAccess, PricePolicy

Change = Callable[[Connects], Awaitable[object]]
"""Makes a change by its service, over the connections that it is given."""


class NewPriceOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price for a listed model, by the id of its row."""

    model_id: int
    price: NewPrice


class DryRuns:
    def __init__(
        self,
        database: Database,
        keeper: SnapshotKeeper,
        access: PlatformAccess,
        prices: PricePolicy,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._access = access
        self._prices = prices

    async def of_catalog(self, change: Change, last: int) -> Outcome:
        """What a change of rules, aliases, levels or models would have done to the last requests.

        Raises what the change does.
        """
        async with self._tried() as connection:
            before = await read_snapshot(connection, self._keeper.snapshot)
            await change(_Only(connection))
            after = await read_snapshot(connection, before)
        past = await read_past(self._database, last)
        return await beside(outcome_of, past, before, after, self._ways(before))

    async def of_limit(self, change: Callable[[Connects], Awaitable[int]], last: int) -> Outcome:
        """The same of a limit, whose id the change says."""
        async with self._tried() as connection:
            limit_id = await change(_Only(connection))
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(SELECT_LIMITS)
                book = Book(read_limits(await cursor.fetchall())[0])
        past = await read_past(self._database, last)
        return await beside(outcome_under, past, book, limit_id)

    def _ways(self, snapshot: Snapshot) -> Ways:
        return Ways(self._access.keyed(snapshot), self._prices.refuses_unpriced)

    @asynccontextmanager
    async def _tried(self) -> AsyncGenerator[Connection]:
        async with (
            self._database.connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            yield connection


class _Only:
    """Gives a service the one connection, whose transaction is not its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[psycopg.AsyncConnection[object]]:
        yield self._connection


def adding_rule(rule: NewRule, actor: Actor) -> Change:
    return lambda database: Rules(database).create(rule, actor)


def setting_alias(alias: NewAlias, actor: Actor) -> Change:
    """A new one, or another target for one that is there."""

    async def change(database: Connects) -> None:
        aliases = ModelAliases(database)
        try:
            await aliases.find(alias.name)
        except NotFound:
            await aliases.create(alias, actor)
        else:
            changed = ChangeAlias(target=alias.target, is_active=alias.is_active)
            await aliases.change(alias.name, changed, actor)

    return change


def setting_price(asked: NewPriceOf, actor: Actor) -> Change:
    return lambda database: Models(database).change(
        asked.model_id, ChangeModel(price=asked.price), actor
    )


def setting_limit(limit: NewLimit, actor: Actor) -> Callable[[Connects], Awaitable[int]]:
    """A new one, or another for a subject that has one."""

    async def change(database: Connects) -> int:
        return (await LimitChanges(database).set(limit, actor)).id

    return change


@opener
async def open_dry_runs(
    database: Database, keeper: SnapshotKeeper, access: PlatformAccess, prices: PricePolicy
) -> AsyncGenerator[DryRuns]:
    yield DryRuns(database, keeper, access, prices)
