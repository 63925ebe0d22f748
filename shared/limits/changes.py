"""Limits as an admin reads and changes them: checked, written and audited in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import psycopg
from msgspec import UNSET, Meta, UnsetType
from psycopg.rows import class_row

from shared.catalog.changes import audit, sent
from shared.catalog.rows import insert_row, update_row
from shared.db.audit import Action, Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotFound
from shared.limits.limit import MOST_COUNT, BadLimit, read_limit
from shared.resources import opener

_Text = Annotated[str, Meta(min_length=1, max_length=256)]
_Count = Annotated[int, Meta(ge=0, le=MOST_COUNT)]
_Open = Annotated[int, Meta(ge=0, le=10**9)]


class NewLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `subject` may use; at least one amount. `*`: each subject without a row of its own."""

    scope: _Text
    subject: _Text
    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    concurrent_requests: _Open | None = None
    budget_day_usd: Decimal | None = None
    budget_month_usd: Decimal | None = None
    is_soft: bool = False
    on_budget: _Text = "refuse"
    counts_byok: bool = False
    time_zone: _Text = "UTC"
    is_active: bool = True


class ChangeLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Absent leaves a field as it is; a null amount is no limit."""

    requests_per_minute: _Count | UnsetType | None = UNSET
    tokens_per_minute: _Count | UnsetType | None = UNSET
    concurrent_requests: _Open | UnsetType | None = UNSET
    budget_day_usd: Decimal | UnsetType | None = UNSET
    budget_month_usd: Decimal | UnsetType | None = UNSET
    is_soft: bool | UnsetType = UNSET
    on_budget: _Text | UnsetType = UNSET
    counts_byok: bool | UnsetType = UNSET
    time_zone: _Text | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class LimitRow(msgspec.Struct, frozen=True):
    """A row of the table as it is."""

    id: int
    scope: str
    subject: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent_requests: int | None
    budget_day_usd: Decimal | None
    budget_month_usd: Decimal | None
    is_soft: bool
    on_budget: str
    counts_byok: bool
    time_zone: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class LimitChanges:
    """The table `limits` as an admin reads and changes it. A change is in force within 2 s."""

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self) -> list[LimitRow]:
        """All of them, by scope and subject."""
        async with self._database.connection() as connection:
            return await _rows(connection)

    async def find(self, limit_id: int) -> LimitRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, limit_id)

    async def create(self, new: NewLimit, actor: Actor) -> LimitRow:
        """Raises InvalidField for a row that could not be held, Conflict for one that is there."""
        fields = msgspec.structs.asdict(new)
        _check(fields)
        async with self._database.connection() as connection, connection.transaction():
            try:
                limit_id = await insert_row(connection, "limits", fields)
            except psycopg.errors.UniqueViolation as error:
                raise Conflict(
                    "That subject has a limit already; change that one.",
                    param="subject",
                    code="taken",
                ) from error
            await audit(connection, actor, Action.LIMIT_CREATED, limit_id, new)
            return await _found(connection, limit_id)

    async def change(self, limit_id: int, change: ChangeLimit, actor: Actor) -> LimitRow:
        """Raises NotFound, InvalidField."""
        fields = sent(change)
        if not fields:
            raise InvalidField("There is nothing to change in the body.", param="body")
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, limit_id, lock=True)
            _check(msgspec.structs.asdict(before) | fields)
            await update_row(connection, "limits", ("id", limit_id), fields)
            await audit(connection, actor, Action.LIMIT_CHANGED, limit_id, change)
            return await _found(connection, limit_id)

    async def set(self, new: NewLimit, actor: Actor) -> LimitRow:
        """Make the row of a subject, or put this in its place. Raises InvalidField."""
        async with self._database.connection() as connection:
            held = await _rows(connection, b"scope = %s AND subject = %s", new.scope, new.subject)
        if not held:
            return await self.create(new, actor)
        fields = msgspec.structs.asdict(new)
        wanted = {name: fields[name] for name in ChangeLimit.__struct_fields__}
        return await self.change(held[0].id, ChangeLimit(**wanted), actor)

    async def delete(self, limit_id: int, actor: Actor) -> None:
        """Raises NotFound."""
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, limit_id, lock=True)
            await connection.execute("DELETE FROM limits WHERE id = %s", [limit_id])
            await audit(connection, actor, Action.LIMIT_DELETED, limit_id, before)


@opener
async def open_limit_changes(database: Database) -> AsyncGenerator[LimitChanges]:
    yield LimitChanges(database)


def _check(fields: dict[str, Any]) -> None:
    try:
        read_limit({"id": 0, **fields})
    except BadLimit as error:
        raise InvalidField(str(error), param=error.column) from error


_SELECT = b"SELECT " + ", ".join(LimitRow.__struct_fields__).encode() + b" FROM limits"


async def _rows(
    connection: Connection, where: bytes = b"true", *values: object, lock: bool = False
) -> list[LimitRow]:
    end = b" FOR UPDATE" if lock else b" ORDER BY scope, subject"
    async with connection.cursor(row_factory=class_row(LimitRow)) as cursor:
        await cursor.execute(_SELECT + b" WHERE " + where + end, values)
        return await cursor.fetchall()


async def _found(connection: Connection, limit_id: int, *, lock: bool = False) -> LimitRow:
    rows = await _rows(connection, b"id = %s", limit_id, lock=lock)
    if not rows:
        raise NotFound(f"There is no limit {limit_id}.", param="id", code="limit_not_found")
    return rows[0]
