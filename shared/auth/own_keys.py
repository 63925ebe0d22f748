"""Callers' own provider keys in a process's memory: one query a user, then no I/O.

Forgotten as a whole when the `keys` version moves, so that a key deleted anywhere is not used
longer than a poll takes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import msgspec

from shared.auth.key_check import KeyStatus
from shared.auth.remembered import Remembered
from shared.catalog.news.change import KEYS
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database, Use
from shared.db.user_keys import ServingKey, serving_keys
from shared.errors import StoredKeyHostChanged, StoredKeyUnreadable
from shared.resources import opener
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Provider
from shared.upstream.provider_url import owner_of
from shared.vault.owner import NotOpened, WhyNot
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText


class StoredKey(OwnKey, frozen=True, kw_only=True):
    """An OwnKey with what opens it. Equal only while the sealed text is the same."""

    user_id: str
    sealed: str

    def __repr__(self) -> str:
        return f"StoredKey({self.id}, {self.provider})"


class OwnKeys:
    """Remembers the keys of each user who called, and who has none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = Remembered(
            self._query,
            event="own_keys.lookup_failed",
            complaint="Your stored provider keys cannot be read right now: the database is"
            " unavailable.",
        )
        # Every request asks this: no frame of ours between.
        self.recall: Callable[[str], tuple[StoredKey, ...] | None] = self._keys.recall
        """This user's keys in the order of their ids, None if not remembered; no I/O, no lock."""

    def forget(self) -> None:
        """Drop everything: the table has changed."""
        self._keys.forget()

    def forget_user(self, user_id: str) -> None:
        """Drop one user's keys, which have changed."""
        self._keys.forget(user_id)

    async def load(self, user_id: str) -> tuple[StoredKey, ...]:
        """The same, asking the database if need be: one query however many wait for it.

        Raises NotReady where the database is down: to go on would be to let the platform pay.
        """
        return await self._keys.load(user_id) or ()

    def mark_refused(self, key: StoredKey) -> None:
        """Have this process answer for the key from now on, before the database says so."""
        known = self._keys.recall(key.user_id)
        if known is not None:
            refused = (
                msgspec.structs.replace(one, is_refused=True) if _is_same(one, key) else one
                for one in known
            )
            self._keys.replace(key.user_id, tuple(refused))

    async def _query(self, user_id: str) -> tuple[StoredKey, ...]:
        async with self._database.connection(Use.LOOK_UP) as connection:
            rows = await serving_keys(connection, user_id)
        return tuple(_stored(user_id, row) for row in rows)


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


async def open_own_key_anew(
    vault: Vault, user_id: str, sealed: str, provider: Provider
) -> SecretText:
    """`open_own_key`, with a ring read again where the key does not open with the one there is."""
    try:
        return open_own_key(vault, user_id, sealed, provider)
    except StoredKeyUnreadable:
        if not await vault.reader.learn():
            raise
        return open_own_key(vault, user_id, sealed, provider)


def refusal_of(why: WhyNot, provider: Provider) -> StoredKeyUnreadable:
    """What the key's owner is told."""
    again = "store it again with POST /api/v1/llm/byok/keys"
    if why is WhyNot.HOST_CHANGED:
        return StoredKeyHostChanged(
            provider.slug,
            f"{provider.name} has moved to another host, scheme or port since your key was stored;"
            f" {again}.",
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
    keeper.on_change(KEYS, own_keys.forget, of_one=own_keys.forget_user)
    yield own_keys
