"""An admin's changes to power levels: checked, written and audited in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from shared.catalog import levels
from shared.catalog.changes import audit, refuse_unused, sent
from shared.catalog.level_checks import NOT_USED, ChangeLevel, NewLevel, check_level
from shared.catalog.levels import LevelRow
from shared.catalog.read import read_snapshot
from shared.db.audit import Action, Actor
from shared.db.connect import Database
from shared.db.connections import Connects
from shared.errors import Conflict, NotFound
from shared.resources import opener


class Levels:
    """power_levels as an admin reads and changes it. A change is in force everywhere within 2 s."""

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self) -> list[LevelRow]:
        """All of them, cheapest first."""
        async with self._database.connection() as connection:
            return await levels.list_levels(connection)

    async def find(self, name: str) -> LevelRow:
        """Raises NotFound."""
        return _named(await self.list(), name)

    async def create(self, new: NewLevel, actor: Actor) -> LevelRow:
        """Raises InvalidField, Conflict."""
        fields = msgspec.structs.asdict(new)
        refuse_unused(NOT_USED, fields)
        async with self._database.connection() as connection:
            snapshot = await read_snapshot(connection)
            async with connection.transaction():
                others = await levels.list_levels(connection)
                check_level(new, others, snapshot, is_new=True)
                await levels.insert_level(connection, fields)
                await audit(connection, actor, Action.POWER_LEVEL_CREATED, new.name, new)
                return _named(await levels.list_levels(connection), new.name)

    async def change(self, name: str, change: ChangeLevel, actor: Actor) -> LevelRow:
        """Raises NotFound; InvalidField where the level as changed would be wrong."""
        fields = sent(change)
        async with self._database.connection() as connection:
            snapshot = await read_snapshot(connection)
            async with connection.transaction():
                rows = await levels.list_levels(connection)
                before = _named(rows, name)
                refuse_unused(NOT_USED, fields, before)
                level = msgspec.structs.replace(_as_sent(before), **fields)
                others = [row for row in rows if row.name != name]
                check_level(level, others, snapshot, is_new=False)
                await levels.update_level(connection, name, fields)
                await audit(connection, actor, Action.POWER_LEVEL_CHANGED, name, fields)
                return _named(await levels.list_levels(connection), name)

    async def delete(self, name: str, actor: Actor) -> None:
        """Raises NotFound; Conflict while a rule or a model names the level, or it is the last."""
        async with self._database.connection() as connection, connection.transaction():
            rows = await levels.list_levels(connection)
            level = _named(rows, name)
            rules, models = await levels.users_of_level(connection, name)
            if rules or models or len(rows) == 1:
                raise Conflict(
                    f"Power level '{name}' is in use by {rules} rules and {models} models; give"
                    " them another first. One level must be left.",
                    param="name",
                    code="power_level_in_use",
                )
            await levels.delete_level(connection, name)
            await audit(connection, actor, Action.POWER_LEVEL_DELETED, name, _as_sent(level))


@opener
async def open_levels(database: Database) -> AsyncGenerator[Levels]:
    yield Levels(database)


def _named(rows: list[LevelRow], name: str) -> LevelRow:
    row = next((row for row in rows if row.name == name), None)
    if row is None:
        raise NotFound(f"There is no power level '{name[:100]}'.")
    return row


def _as_sent(row: LevelRow) -> NewLevel:
    """A stored level as if it were sent: what a change is applied to."""
    return NewLevel(**{name: getattr(row, name) for name in NewLevel.__struct_fields__})
