"""What admins do with the platform's own keys. Every change is audited in its transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from shared.auth.key_check import KeyChecks
from shared.auth.key_text import read_key
from shared.auth.open_vault import PlatformKeys, Vault
from shared.catalog.watch import SnapshotKeeper
from shared.db import system_keys as rows
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection, Database
from shared.db.system_keys import NewSystemKey, SystemKey
from shared.errors import InvalidField, NotFound
from shared.resources import opener
from shared.routing.snapshot import Provider
from shared.upstream.provider_url import owner_to_store
from shared.vault.secret import SecretText, shown


class StoreSystemKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: str
    api_key: str

    def __repr__(self) -> str:
        return f"StoreSystemKey({self.provider})"


class KeyInUse(NamedTuple):
    """A provider's row, and the environment's key, which counts where none is stored."""

    row: SystemKey
    from_environment: SecretText | None


class SystemKeys:
    def __init__(
        self,
        database: Database,
        keeper: SnapshotKeeper,
        vault: Vault,
        checks: KeyChecks,
        platform_keys: PlatformKeys,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._vault = vault
        self._checks = checks
        self._platform_keys = platform_keys

    async def store(self, asked: StoreSystemKey, actor: Actor) -> KeyInUse:
        """A provider that cannot be reached does not keep the key from being stored."""
        slug = asked.provider.strip().lower()
        # Fresh: the key is sent to this host, and sealed to it.
        provider = (await self._keeper.refresh()).providers_by_slug.get(slug)
        if provider is None:
            raise InvalidField(
                "There is no provider of that name; GET /api/v1/llm/providers lists them.",
                param="provider",
                code="unknown_provider",
            )
        # Once it is stored nothing is simulated any more.
        provider = msgspec.structs.replace(provider, may_be_simulated=False)
        owner, key = owner_to_store(None, provider), read_key(asked.api_key)
        found = await self._checks.check(provider, key)
        sealed, to_show = self._vault.seal(owner, key), shown(key)
        new = NewSystemKey(
            sealed=sealed.text,
            key_id=sealed.key_id,
            suffix=to_show.suffix,
            fingerprint=to_show.fingerprint,
            status=found.status,
            status_reason=found.reason,
            checked_at=datetime.now(UTC),
        )
        async with self._database.connection() as connection, connection.transaction():
            await rows.store_system_key(connection, provider.id, new)
            details = {"provider": slug, "status": found.status}
            action = Action.SYSTEM_KEY_STORED
            await _audit(connection, actor, action, provider.id, new.fingerprint, details)
            return self._in_use(await _find(connection, slug))

    async def list(self) -> list[KeyInUse]:
        async with self._database.connection() as connection:
            found = await rows.system_keys(connection)
        return [self._in_use(row) for row in found]

    async def delete(self, slug: str, actor: Actor) -> KeyInUse:
        async with self._database.connection() as connection, connection.transaction():
            deleted = await rows.delete_system_key(connection, slug)
            if deleted is None:
                raise _no_key(slug)
            provider_id, fingerprint = deleted
            action, details = Action.SYSTEM_KEY_DELETED, {"provider": slug}
            await _audit(connection, actor, action, provider_id, fingerprint, details)
            return self._in_use(await _find(connection, slug))

    async def test(self, slug: str, actor: Actor) -> KeyInUse:
        """Raises NotFound where there is no key, PlatformKeyRefused where it does not open."""
        async with self._database.connection() as connection:
            held = await _find(connection, slug)
        provider = self._provider(held)
        key = self._platform_keys.of(provider)
        if key is None:
            raise _no_key(slug)
        found = await self._checks.check(provider, key)
        async with self._database.connection() as connection, connection.transaction():
            await rows.note_system_key_status(connection, held.id, found.status, found.reason)
            details = {"provider": slug, "status": found.status}
            action, fingerprint = Action.SYSTEM_KEY_TESTED, shown(key).fingerprint
            await _audit(connection, actor, action, held.id, fingerprint, details)
            return self._in_use(await _find(connection, slug))

    def _provider(self, held: SystemKey) -> Provider:
        """As the snapshot has it, with the key as the table has it, which may be newer."""
        provider = self._keeper.snapshot.providers_by_slug.get(held.provider)
        if provider is None:
            raise _no_key(held.provider)
        may_be_simulated = provider.may_be_simulated and held.sealed is None
        return msgspec.structs.replace(
            provider, sealed_system_key=held.sealed, may_be_simulated=may_be_simulated
        )

    def _in_use(self, row: SystemKey) -> KeyInUse:
        return KeyInUse(row, self._platform_keys.from_environment(row.provider))


async def _find(connection: Connection, slug: str) -> SystemKey:
    row = await rows.find_system_key(connection, slug)
    if row is None:
        raise _no_key(slug)
    return row


async def _audit(
    connection: Connection,
    actor: Actor,
    action: Action,
    provider_id: int,
    fingerprint: str | None,
    details: Mapping[str, Any],
) -> None:
    await append_audit(
        connection, actor, action, "provider", provider_id, fingerprint=fingerprint, details=details
    )


def _no_key(slug: str) -> NotFound:
    return NotFound(
        f"The platform has no key for '{slug[:100]}'.", param="provider", code="key_not_found"
    )


@opener
async def open_system_keys(
    database: Database,
    keeper: SnapshotKeeper,
    vault: Vault,
    checks: KeyChecks,
    platform_keys: PlatformKeys,
) -> AsyncGenerator[SystemKeys]:
    yield SystemKeys(database, keeper, vault, checks, platform_keys)
