"""Walks everything that the vault has sealed, to reseal it or to verify that it opens.

Each batch is one transaction, and only what is left to do is read, so that a run can be killed and
repeated while keys are stored, used and deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psycopg

from shared.db.audit import Action, Actor, append_audit_from_command
from shared.db.sealed_keys import (
    Resealed,
    SealedRow,
    Table,
    count_sealed,
    read_sealed,
    write_resealed,
)
from shared.upstream.provider_url import place_of
from shared.vault.owner import NotOpened, Owner, WhyNot
from shared.vault.sealing import Vault
from shared.vault.secret import shown

BATCH = 200
# A process that has not been restarted yet keeps sealing with the older key.
_MAX_PASSES = 5

Progress = Callable[[int], None]
"""Called with the number of rows done since the last call."""


class Closed(msgspec.Struct, frozen=True):
    """A row that cannot be opened; `user_id` is None for the platform's keys."""

    table: str
    id: int
    user_id: str | None
    provider: str
    why: str


class Rotation(msgspec.Struct):
    """`left` counts the rows that are not yet sealed with the newest key."""

    key_id: str
    resealed: int = 0
    adopted: int = 0
    left: int = 0
    closed: list[Closed] = msgspec.field(default_factory=list[Closed])


class Verification(msgspec.Struct):
    """`older` counts the rows that would no longer open without the ring's older keys."""

    key_id: str
    rows: int = 0
    open: int = 0
    older: int = 0
    closed: list[Closed] = msgspec.field(default_factory=list[Closed])


def count_to_reseal(connection: psycopg.Connection[Any], vault: Vault, *, adopt: bool) -> int:
    newest = None if adopt else vault.ring.primary_id
    return sum(count_sealed(connection, table, older_than=newest) for table in Table)


def rotate(
    connection: psycopg.Connection[Any], vault: Vault, progress: Progress, *, adopt: bool
) -> Rotation:
    """Seal everything with the newest key; with `adopt`, also what was sealed without an owner.

    Adopting trusts the table to say who owns an older key. Raises psycopg.Error.
    """
    newest = vault.ring.primary_id
    done = Rotation(newest)
    for number in range(_MAX_PASSES):
        everything = adopt and number == 0
        before = done.resealed
        for table in Table:
            for rows in _batches(connection, table, None if everything else newest):
                _reseal(connection, vault, table, rows, done, adopt=adopt)
                progress(len(rows))
        done.left = sum(count_sealed(connection, table, older_than=newest) for table in Table)
        if done.left == 0 or (number and done.resealed == before):
            break
    return done


def verify(connection: psycopg.Connection[Any], vault: Vault, progress: Progress) -> Verification:
    """Open every row as a request would, and change nothing."""
    found = Verification(vault.ring.primary_id)
    newest = Vault(vault.ring.newest_alone())
    for table in Table:
        for rows in _batches(connection, table, None):
            for row in rows:
                why = _why_closed(vault, row)
                found.rows += 1
                if why is None:
                    found.open += 1
                    found.older += _why_closed(newest, row) is not None
                else:
                    found.closed.append(_closed(table, row, why))
            progress(len(rows))
    return found


def _batches(
    connection: psycopg.Connection[Any], table: Table, older_than: str | None
) -> Iterator[list[SealedRow]]:
    after = 0
    while rows := read_sealed(connection, table, after=after, limit=BATCH, older_than=older_than):
        yield rows
        after = rows[-1].id


def _reseal(
    connection: psycopg.Connection[Any],
    vault: Vault,
    table: Table,
    rows: list[SealedRow],
    done: Rotation,
    *,
    adopt: bool,
) -> None:
    writes: list[Resealed] = []
    adopted = 0
    for row in rows:
        why = _why_closed(vault, row)
        try:
            if adopt and why is WhyNot.NO_OWNER:
                writes.append(_adopted(vault, row))
                adopted += 1
                continue
            if row.key_id != vault.ring.primary_id:
                sealed = vault.reseal(row.sealed)
                writes.append(Resealed(row.id, row.sealed, sealed.text, sealed.key_id))
        except NotOpened as error:
            why = error.why
        if why is not None and (closed := _closed(table, row, why)) not in done.closed:
            done.closed.append(closed)
    if not writes:
        return
    with connection.transaction():
        written = write_resealed(connection, table, writes)
        append_audit_from_command(
            connection,
            Actor("switchyard key rotate"),
            Action.KEYS_RESEALED,
            table,
            None,
            details={"key_id": vault.ring.primary_id, "rows": written, "adopted": adopted},
        )
    done.resealed += written
    done.adopted += adopted


def _adopted(vault: Vault, row: SealedRow) -> Resealed:
    """Raises NotOpened if the provider's URL has no host to seal to."""
    key = vault.open_older(row.sealed)
    sealed, to_show = vault.seal(_owner(row), key), shown(key)
    return Resealed(
        row.id, row.sealed, sealed.text, sealed.key_id, to_show.suffix, to_show.fingerprint
    )


def _why_closed(vault: Vault, row: SealedRow) -> WhyNot | None:
    try:
        vault.open(_owner(row), row.sealed)
    except NotOpened as error:
        return error.why
    return None


def _owner(row: SealedRow) -> Owner:
    try:
        place = place_of(row.base_url, is_local=row.is_local)
    except ValueError as error:
        raise NotOpened(WhyNot.HOST_CHANGED) from error
    return Owner(row.user_id, row.provider, place.sealed_to, place.earlier)


def _closed(table: Table, row: SealedRow, why: WhyNot) -> Closed:
    return Closed(table, row.id, row.user_id, row.provider, why)
