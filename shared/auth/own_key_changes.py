"""What a caller does with keys of their own. Every change is audited in its transaction.

A key that a caller brings is an *own key* in every module; the table, which is older than the word,
is user_api_keys, and so the audit trail says `user_key`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from shared.auth.key_check import KeyCheck, KeyChecks, KeyStatus
from shared.auth.key_text import read_key
from shared.auth.open_vault import Vault
from shared.auth.own_keys import OwnKeys, open_own_key_anew
from shared.catalog.news.change import KEYS, changing
from shared.catalog.watch import SnapshotKeeper
from shared.db import user_keys as rows
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection, Database
from shared.db.user_keys import NewUserKey, UserKey
from shared.errors import InvalidField, NotFound, StoredKeyHostChanged, StoredKeyUnreadable
from shared.resources import opener
from shared.routing.own_keys import PlatformFallback, UsePolicy
from shared.routing.snapshot import Provider
from shared.upstream.provider_url import owner_to_store
from shared.vault.secret import SecretText, shown
from shared.wire.key_format import looks_like_key_of, other_provider_of

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class StoreKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Policies that are absent stay as they are, or take their defaults: prefer, never."""

    provider: str
    api_key: str
    name: Name | None = None
    use_policy: UsePolicy | None = None
    platform_fallback: PlatformFallback | None = None

    def __repr__(self) -> str:
        return f"StoreKey({self.provider})"


class ChangeKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is there is changed; nothing here can be taken away, so null changes nothing."""

    enabled: bool | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
    use_policy: UsePolicy | UnsetType | None = UNSET
    platform_fallback: PlatformFallback | UnsetType | None = UNSET

    def changes(self) -> dict[str, bool | str]:
        """By field. Raises InvalidField where there is nothing to change."""
        found = {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if value is not UNSET and value is not None
        }
        if not found:
            raise InvalidField(
                "Say what to change: enabled, name, use_policy or platform_fallback.",
                code="nothing_to_change",
            )
        return found


class Stored(NamedTuple):
    """`warning` says what the caller should look at, though the key was stored."""

    key_id: int
    provider: str
    warning: str | None


class Tested(NamedTuple):
    found: KeyCheck
    message: str


class OwnKeyChanges:
    def __init__(
        self,
        database: Database,
        keeper: SnapshotKeeper,
        vault: Vault,
        checks: KeyChecks,
        own_keys: OwnKeys,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._vault = vault
        self._checks = checks
        self._own_keys = own_keys

    async def store(self, user_id: str, asked: StoreKey, actor: Actor) -> Stored:
        """A provider that cannot be reached does not keep the key from being stored."""
        provider = await self._provider_to_store_at(asked.provider)
        key = read_key(asked.api_key)
        found = await self._checks.check(provider, key)
        new = self._sealed(user_id, provider, asked, key, found, actor)
        async with self._changing(user_id) as connection:
            key_id, replaced = await rows.store_key(connection, new)
            action = Action.USER_KEY_REPLACED if replaced else Action.USER_KEY_STORED
            details = {"provider": provider.slug, "status": found.status}
            await _audit(connection, actor, action, key_id, new.fingerprint, details)
        self._own_keys.forget_user(user_id)
        return Stored(key_id, provider.slug, _warning(provider, key, found))

    async def list(self, user_id: str) -> list[UserKey]:
        async with self._database.connection() as connection:
            return await rows.keys_of(connection, user_id)

    async def change(self, user_id: str, slug: str, asked: ChangeKey, actor: Actor) -> UserKey:
        """Raises NotFound, InvalidField where there is nothing to change."""
        changes = asked.changes()
        async with self._changing(user_id) as connection:
            key_id = await rows.change_key(connection, user_id, slug, changes)
            changed = await rows.find_key(connection, user_id, slug)
            if key_id is None or changed is None:
                raise _no_key(slug)
            action, details = Action.USER_KEY_CHANGED, {"provider": slug, **changes}
            await _audit(connection, actor, action, key_id, changed.fingerprint, details)
        self._own_keys.forget_user(user_id)
        return changed

    async def delete(self, user_id: str, slug: str, actor: Actor) -> None:
        """Raises NotFound."""
        async with self._changing(user_id) as connection:
            deleted = await rows.delete_key(connection, user_id, slug)
            if deleted is None:
                raise _no_key(slug)
            key_id, fingerprint = deleted
            action, details = Action.USER_KEY_DELETED, {"provider": slug}
            await _audit(connection, actor, action, key_id, fingerprint, details)
        self._own_keys.forget_user(user_id)

    async def test(self, user_id: str, slug: str, actor: Actor) -> Tested:
        """Raises NotFound, and what a completion with a key that does not open raises."""
        async with self._database.connection() as connection:
            held = await rows.find_key(connection, user_id, slug)
        provider = self._keeper.snapshot.providers_by_slug.get(slug)
        if held is None or provider is None:
            raise _no_key(slug)
        key = await self._opened(user_id, held, provider, actor)
        found = await self._checks.check(provider, key)
        await self._note(user_id, held, found, actor)
        self._own_keys.forget_user(user_id)
        return Tested(found, found.reason or f"{provider.name} takes the key.")

    async def _provider_to_store_at(self, slug: str) -> Provider:
        # Fresh: the key is sent to this host, and sealed to it.
        by_slug = (await self._keeper.refresh()).providers_by_slug
        provider = by_slug.get(slug.strip().lower())
        if provider is None:
            known = ", ".join(one.slug for one in by_slug.values() if one.is_byok_supported)
            raise InvalidField(
                f"There is no provider of that name; use one of: {known}.",
                param="provider",
                code="unknown_provider",
            )
        if not provider.is_byok_supported:
            raise InvalidField(
                f"{provider.name} does not accept callers' own keys on this gateway.",
                param="provider",
                code="byok_not_supported",
            )
        owner_to_store(None, provider)  # before the key is sent there
        return provider

    def _sealed(
        self,
        user_id: str,
        provider: Provider,
        asked: StoreKey,
        key: SecretText,
        found: KeyCheck,
        actor: Actor,
    ) -> NewUserKey:
        sealed, to_show = self._vault.seal(owner_to_store(user_id, provider), key), shown(key)
        return NewUserKey(
            user_id=user_id,
            provider_id=provider.id,
            name=asked.name,
            sealed=sealed.text,
            key_id=sealed.key_id,
            suffix=to_show.suffix,
            fingerprint=to_show.fingerprint,
            status=found.status,
            status_reason=found.reason,
            checked_at=datetime.now(UTC),
            use_policy=asked.use_policy,
            platform_fallback=asked.platform_fallback,
            created_ip=actor.address,
        )

    async def _opened(
        self, user_id: str, held: UserKey, provider: Provider, actor: Actor
    ) -> SecretText:
        try:
            return await open_own_key_anew(self._vault, user_id, held.sealed, provider)
        except (StoredKeyUnreadable, StoredKeyHostChanged) as error:
            async with self._database.connection() as connection:
                action = Action.USER_KEY_NOT_OPENED
                details = {"provider": held.provider, "code": error.code}
                await _audit(connection, actor, action, held.id, held.fingerprint, details)
            raise

    async def _note(self, user_id: str, held: UserKey, found: KeyCheck, actor: Actor) -> None:
        async with self._changing(user_id) as connection:
            if await rows.note_status(connection, held.id, held.sealed, found.status, found.reason):
                details = {"provider": held.provider, "status": found.status}
                action = Action.USER_KEY_TESTED
                await _audit(connection, actor, action, held.id, held.fingerprint, details)

    def _changing(self, user_id: str) -> AbstractAsyncContextManager[Connection]:
        return changing(self._database, self._keeper.news, KEYS, user_id)


async def _audit(
    connection: Connection,
    actor: Actor,
    action: Action,
    key_id: int,
    fingerprint: str | None,
    details: Mapping[str, Any],
) -> None:
    await append_audit(
        connection, actor, action, "user_key", key_id, fingerprint=fingerprint, details=details
    )


def _no_key(slug: str) -> NotFound:
    return NotFound(
        f"You have no key stored for '{slug[:100]}'; GET /api/v1/llm/byok/keys lists yours.",
        param="provider",
        code="key_not_found",
    )


def _warning(provider: Provider, key: SecretText, found: KeyCheck) -> str | None:
    """What the caller should look at, though the key was stored."""
    if found.status not in (KeyStatus.OK, KeyStatus.SIMULATED) and found.reason is not None:
        return found.reason
    if looks_like_key_of(provider.slug, key.reveal()):
        return None
    other = other_provider_of(provider.slug, key.reveal())
    hint = f"; it looks like one of {other}'s" if other else ""
    return f"This does not look like a key of {provider.name}{hint}."


@opener
async def open_own_key_changes(
    database: Database, keeper: SnapshotKeeper, vault: Vault, checks: KeyChecks, own_keys: OwnKeys
) -> AsyncGenerator[OwnKeyChanges]:
    yield OwnKeyChanges(database, keeper, vault, checks, own_keys)
