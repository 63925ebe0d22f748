"""Brings the database to what a configuration file says, by the services of the admin API.

All of it is one transaction: a file that fails halfway changes nothing, and a plan is the whole of
it rolled back, so that what a plan says has passed every check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import msgspec
import psycopg

from shared.auth.tokens import Minted
from shared.cli.config.entries import Entry
from shared.cli.config.marked_yaml import Marked
from shared.cli.config.sections import Fields, Section, sections_over
from shared.db.audit import Actor
from shared.db.connect import connect_once
from shared.errors import SwitchyardError

_ACTOR = Actor("switchyard apply")
_TRIES = 3


class Deed(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


class Change(msgspec.Struct, frozen=True):
    """`fields`: of each that changes, what it was and what it becomes. `token`: of a new one."""

    deed: Deed
    section: str
    name: str
    fields: dict[str, tuple[Any, Any]] = {}
    token: str | None = None


class Reconciled(msgspec.Struct, frozen=True):
    """`extra`: what the file's sections do not have, and stays."""

    changes: list[Change]
    extra: list[Change]


class _OneTransaction:
    """A service's own transaction is then a savepoint."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        yield self._connection


async def reconcile(
    dsn: str, marked: Marked, wanted: Mapping[str, Sequence[Entry]], *, prune: bool, plan: bool
) -> Reconciled:
    """`prune`: what a section of the file does not have is removed. `plan`: nothing is kept.

    Raises CommandFailed, which names line and field; psycopg.Error.
    """
    for attempt in range(1, _TRIES + 1):
        async with connect_once(dsn) as connection:
            # Services that read the catalog ask for this; inside a transaction it is too late.
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            try:
                async with connection.transaction(force_rollback=plan):
                    sections = sections_over(_OneTransaction(connection))
                    return await _Run(marked, prune=prune).over(sections, wanted)
            except psycopg.errors.SerializationFailure:
                if attempt == _TRIES:
                    raise
    raise AssertionError


class _Run:
    def __init__(self, marked: Marked, *, prune: bool) -> None:
        self._marked = marked
        self._prune = prune
        self._changes: list[Change] = []
        self._extra: list[tuple[Section, Any]] = []

    async def over(
        self, sections: Sequence[Section], wanted: Mapping[str, Sequence[Entry]]
    ) -> Reconciled:
        for section in sections:
            if section.name in wanted:
                await self._section(section, wanted[section.name])
        extra = [
            (Change(Deed.REMOVE, one.name, one.label(one.entry_of(row))), one, row)
            for one, row in reversed(self._extra)
        ]
        if not self._prune:
            return Reconciled(self._changes, [change for change, _, _ in extra])
        for change, section, row in extra:
            try:
                await section.remove(section.id_of(row), _ACTOR)
            except SwitchyardError as error:
                raise self._marked.wrong(
                    (section.name,), f"{change.name} cannot be removed: {error}"
                ) from error
            self._changes.append(change)
        return Reconciled(self._changes, [])

    async def _section(self, section: Section, entries: Sequence[Entry]) -> None:
        rows = await section.list()
        held = dict(zip(_told_apart(section, map(section.entry_of, rows)), rows, strict=True))
        resolved = [await section.resolved(entry.fields) for entry in entries]
        for entry, fields, one in zip(
            entries, resolved, _told_apart(section, resolved), strict=True
        ):
            row = held.pop(one, None)
            try:
                if row is None:
                    await self._create(section, entry)
                else:
                    await self._change(section, fields, row)
            except SwitchyardError as error:
                where = entry.where
                if error.param is not None and error.param.partition(".")[0] in entry.fields:
                    where = (*where, *error.param.split("."))
                raise self._marked.wrong(where, str(error)) from error
        self._extra += [(section, row) for row in held.values()]

    async def _create(self, section: Section, entry: Entry) -> None:
        made = await section.create(entry.whole, _ACTOR)
        token = made.token if isinstance(made, Minted) else None
        name = section.label(entry.fields)
        self._changes.append(Change(Deed.CREATE, section.name, name, token=token))

    async def _change(self, section: Section, fields: Fields, row: Any) -> None:
        before = section.entry_of(row)
        differing = {
            name: (before[name], value)
            for name, value in fields.items()
            if name not in section.identity
            and section.compared(name, before[name]) != section.compared(name, value)
        }
        if not differing:
            return
        changed = section.changed(**{name: value for name, (_, value) in differing.items()})
        await section.change(section.id_of(row), changed, _ACTOR)
        name = section.label(before)
        self._changes.append(Change(Deed.CHANGE, section.name, name, differing))


def _told_apart(section: Section, some: Iterable[Fields]) -> list[tuple[Any, ...]]:
    """What identifies each: of those alike, the first of the file is the first of the table."""
    seen: Counter[tuple[Any, ...]] = Counter()
    found: list[tuple[Any, ...]] = []
    for fields in some:
        identity = section.identity_of(fields)
        seen[identity] += 1
        found.append((*identity, seen[identity]))
    return found
