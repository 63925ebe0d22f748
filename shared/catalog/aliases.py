"""Aliases, as an admin reads and changes them: checked, written and audited in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import psycopg
from msgspec import UNSET, Meta, UnsetType
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.catalog.changes import audit
from shared.catalog.read import read_snapshot
from shared.catalog.rows import insert_row, update_row
from shared.db.audit import Action, Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotFound
from shared.resources import opener
from shared.routing.aliases import STAR
from shared.routing.levels import AUTO
from shared.routing.names import find_models
from shared.routing.snapshot import Snapshot

# Visible ASCII, as every name of a model.
AliasName = Annotated[str, Meta(pattern=r"^[!-~]{1,200}$")]


class AliasTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`target` is a listed id, `provider/model` or a power level; `weight` its share."""

    target: AliasName
    weight: Annotated[int, Meta(ge=1, le=10**6)] = 1


Targets = AliasName | Annotated[list[AliasTarget], Meta(min_length=1, max_length=16)]


class NewAlias(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`name` may have one `*`, which stands for any text; in a target it is what that was."""

    name: AliasName
    target: Targets
    is_active: bool = True


class ChangeAlias(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Absent leaves a field as it is."""

    target: Targets | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class AliasRow(msgspec.Struct, frozen=True):
    name: str
    targets: list[AliasTarget]
    is_active: bool
    created_at: datetime
    updated_at: datetime


class _Found(msgspec.Struct, frozen=True):
    name: str
    targets: Any
    is_active: bool
    created_at: datetime
    updated_at: datetime


class ModelAliases:
    """model_aliases as an admin reads and changes it. A change is in force within 2 s."""

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self) -> list[AliasRow]:
        """All of them, by name."""
        async with self._database.connection() as connection:
            return await _rows(connection)

    async def find(self, name: str) -> AliasRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, name)

    async def create(self, new: NewAlias, actor: Actor) -> AliasRow:
        """Raises InvalidField, which says what is wrong with it; Conflict for a name that is."""
        targets = _listed(new.target)
        async with self._database.connection() as connection:
            _check(new.name, targets, await read_snapshot(connection))
            async with connection.transaction():
                fields = {
                    "name": new.name,
                    "targets": Jsonb(msgspec.to_builtins(targets)),
                    "is_active": new.is_active,
                }
                try:
                    await insert_row(connection, "model_aliases", fields, returning="name")
                except psycopg.errors.UniqueViolation as error:
                    raise Conflict(
                        "There is an alias of that name; change that one.",
                        param="name",
                        code="taken",
                    ) from error
                await audit(connection, actor, Action.ALIAS_CREATED, new.name, new)
                return await _found(connection, new.name)

    async def change(self, name: str, change: ChangeAlias, actor: Actor) -> AliasRow:
        """Raises NotFound, InvalidField."""
        async with self._database.connection() as connection:
            before = await _found(connection, name)
            fields: dict[str, Any] = {}
            if change.target is not UNSET:
                targets = _listed(change.target)
                _check(before.name, targets, await read_snapshot(connection))
                fields["targets"] = Jsonb(msgspec.to_builtins(targets))
            if change.is_active is not UNSET:
                fields["is_active"] = change.is_active
            if not fields:
                raise InvalidField("There is nothing to change in the body.", param="body")
            async with connection.transaction():
                await update_row(connection, "model_aliases", ("name", name), fields)
                await audit(connection, actor, Action.ALIAS_CHANGED, name, change)
                return await _found(connection, name)

    async def delete(self, name: str, actor: Actor) -> None:
        """Raises NotFound."""
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, name)
            await connection.execute("DELETE FROM model_aliases WHERE name = %s", [name])
            await audit(connection, actor, Action.ALIAS_DELETED, name, before.targets)


@opener
async def open_aliases(database: Database) -> AsyncGenerator[ModelAliases]:
    yield ModelAliases(database)


def _listed(target: str | list[AliasTarget]) -> list[AliasTarget]:
    return [AliasTarget(target)] if isinstance(target, str) else target


def _check(name: str, targets: Sequence[AliasTarget], snapshot: Snapshot) -> None:
    if name == AUTO or name in snapshot.levels_by_name:
        raise InvalidField(f"'{name}' is a power level, so it cannot be an alias.", param="name")
    slug, slash, _ = name.partition("/")
    if slash and slug in snapshot.providers_by_slug:
        raise InvalidField(
            f"'{name}' names a model of the provider '{slug}', so it cannot be an alias.",
            param="name",
        )
    if name.count(STAR) > 1:
        raise InvalidField("An alias can have one '*' at most.", param="name")
    for one in targets:
        _check_target(name, one.target, snapshot)


def _check_target(name: str, target: str, snapshot: Snapshot) -> None:
    if target.count(STAR) > name.count(STAR):
        raise InvalidField(f"'{target}' has a '*' for which '{name}' has none.", param="target")
    slug, slash, rest = target.partition("/")
    is_known = (
        target in snapshot.levels_by_name
        or bool(find_models(snapshot, target))
        or (bool(slash and rest) and slug in snapshot.providers_by_slug)
    )
    if not is_known:
        raise InvalidField(
            f"'{target}' is neither a listed model nor a power level; name one that is not listed"
            " as provider/model.",
            param="target",
            code="model_not_found",
        )


async def _rows(connection: Connection, name: str | None = None) -> list[AliasRow]:
    query = b"SELECT name, targets, is_active, created_at, updated_at FROM model_aliases"
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        if name is None:
            await cursor.execute(query + b" ORDER BY name")
        else:
            await cursor.execute(query + b" WHERE name = %s", [name])
        found = await cursor.fetchall()
    return [msgspec.convert(one, AliasRow, from_attributes=True) for one in found]


async def _found(connection: Connection, name: str) -> AliasRow:
    rows = await _rows(connection, name)
    if not rows:
        raise NotFound(f"There is no alias '{name[:200]}'.", param="name", code="alias_not_found")
    return rows[0]
