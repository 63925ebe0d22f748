"""Callers' own provider keys in a process's memory: one query a user, then no I/O.

Forgotten as a whole when the `keys` version moves, so that a key deleted anywhere is not used
longer than a poll takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from shared.auth.key_check import KeyStatus
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import WAIT_S, Database
from shared.db.user_keys import ServingKey, serving_keys
from shared.errors import NotReady, StoredKeyHostChanged, StoredKeyUnreadable
from shared.log import get_logger
from shared.resources import opener
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Provider
from shared.upstream.provider_url import owner_of
from shared.vault.owner import NotOpened, WhyNot
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText

MAX_REMEMBERED = 100_000


class StoredKey(OwnKey, frozen=True, kw_only=True):
    """An OwnKey with what opens it. Equal only while the sealed text is the same."""

    user_id: str
    sealed: str

    def __repr__(self) -> str:
        return f"StoredKey({self.id}, {self.provider})"


class OwnKeys:
    """Remembers the keys of at most MAX_REMEMBERED users, those without any too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[StoredKey, ...]] = {}
        self._lookups: dict[str, asyncio.Task[tuple[StoredKey, ...]]] = {}
        self._generation = 0

    def forget(self) -> None:
        """Drop everything: the table has changed."""
        self._generation += 1
        self._known.clear()
        # A query under way may have read the older state; whoever comes now asks anew.
        self._lookups.clear()

    def forget_user(self, user_id: str) -> None:
        """Drop one user's keys, which this process has just changed."""
        self._generation += 1
        self._known.pop(user_id, None)
        self._lookups.pop(user_id, None)

    def recall(self, user_id: str) -> tuple[StoredKey, ...] | None:
        """This user's keys in the order of their ids, None if not remembered; no I/O, no lock."""
        return self._known.get(user_id)

    async def load(self, user_id: str) -> tuple[StoredKey, ...]:
        """The same, asking the database if need be: one query however many wait for it.

        Raises NotReady where the database is away: to go on would be to let the platform pay.
        """
        known = self._known.get(user_id)
        if known is not None:
            return known
        task = self._lookups.get(user_id)
        if task is None:
            task = self._lookups[user_id] = asyncio.create_task(self._query(user_id))
            task.add_done_callback(lambda done: self._forget_lookup(user_id, done))
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(task)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            get_logger().warning("own_keys.lookup_failed", error=type(error).__name__)
            raise NotReady(
                "Your stored provider keys cannot be read just now: the database is away.",
                code="database_unavailable",
            ) from error

    def mark_refused(self, key: StoredKey) -> None:
        """Have this process answer for the key from now on, before the database says so."""
        known = self._known.get(key.user_id)
        if known is not None:
            self._known[key.user_id] = tuple(
                msgspec.structs.replace(one, is_refused=True) if _is_same(one, key) else one
                for one in known
            )

    async def _query(self, user_id: str) -> tuple[StoredKey, ...]:
        generation = self._generation
        async with self._database.connection() as connection:
            rows = await serving_keys(connection, user_id)
        keys = tuple(_stored(user_id, row) for row in rows)
        if generation == self._generation:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[user_id] = keys
        return keys

    def _forget_lookup(self, user_id: str, done: asyncio.Task[tuple[StoredKey, ...]]) -> None:
        if self._lookups.get(user_id) is done:
            del self._lookups[user_id]


def _stored(user_id: str, row: ServingKey) -> StoredKey:
    return StoredKey(
        id=row.id,
        provider=row.provider,
        policy=UsePolicy(row.use_policy),
        platform_fallback=PlatformFallback(row.platform_fallback),
        is_refused=row.status == KeyStatus.INVALID,
        user_id=user_id,
        sealed=row.sealed,
    )


def _is_same(one: StoredKey, other: StoredKey) -> bool:
    return one.id == other.id and one.sealed == other.sealed


def open_own_key(vault: Vault, user_id: str, sealed: str, provider: Provider) -> SecretText:
    """Raises StoredKeyUnreadable, StoredKeyHostChanged."""
    try:
        return vault.open(owner_of(user_id, provider), sealed)
    except NotOpened as error:
        raise refusal_of(error.why, provider) from error
    except ValueError as error:
        raise refusal_of(WhyNot.HOST_CHANGED, provider) from error


def refusal_of(why: WhyNot, provider: Provider) -> StoredKeyUnreadable | StoredKeyHostChanged:
    """What the key's owner is told."""
    again = "store it again with POST /api/v1/llm/byok/keys"
    if why is WhyNot.HOST_CHANGED:
        return StoredKeyHostChanged(
            provider.slug,
            f"{provider.name} has moved to another host since your key was stored; {again}.",
        )
    if why is WhyNot.NO_OWNER:
        return StoredKeyUnreadable(
            provider.slug,
            f"Your key for {provider.name} was sealed by an older release; {again},"
            " or ask the operator to run `switchyard key rotate --adopt`.",
        )
    return StoredKeyUnreadable(
        provider.slug, f"Your stored key for {provider.name} does not open; {again}."
    )


@opener
async def open_own_keys(database: Database, keeper: SnapshotKeeper) -> AsyncGenerator[OwnKeys]:
    own_keys = OwnKeys(database)
    keeper.on_change("keys", own_keys.forget)
    yield own_keys
