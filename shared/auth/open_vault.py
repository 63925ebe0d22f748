"""Opens the vault of a serving process, and keeps its ring fresh where the source can change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.log import get_logger
from shared.resources import Resources
from shared.settings import ProviderSettings, VaultSettings
from shared.upstream.platform_keys import PlatformKeys
from shared.vault.sealing import Vault
from shared.vault.sources import SECRETS_MANAGER, read_key_ring

REFRESH_S = 300.0


@asynccontextmanager
async def open_vault(resources: Resources) -> AsyncGenerator[None]:
    """Put a Vault. Raises ValueError("Invalid encryption key: …") where there is no usable ring.

    A ring of Secrets Manager is read anew every REFRESH_S, so that a key added there needs no
    restart.
    """
    settings = resources.settings[VaultSettings]
    vault = Vault(await asyncio.to_thread(read_key_ring, settings))
    resources.put(vault)
    if not settings.key_source.startswith(SECRETS_MANAGER):
        yield
        return
    refreshing = asyncio.create_task(keep_fresh(vault, settings), name="vault.refresh")
    try:
        yield
    finally:
        refreshing.cancel()
        await asyncio.wait([refreshing])


@asynccontextmanager
async def open_platform_keys(resources: Resources) -> AsyncGenerator[None]:
    """Put PlatformKeys that open what admins stored. Needs Vault."""
    providers = resources.settings[ProviderSettings]
    resources.put(PlatformKeys.from_settings(providers, resources.get(Vault)))
    yield


async def keep_fresh(vault: Vault, settings: VaultSettings, every_s: float = REFRESH_S) -> None:
    """Read the ring again and again until cancelled; one that cannot be read leaves the old."""
    while True:
        await asyncio.sleep(every_s)
        try:
            ring = await asyncio.to_thread(read_key_ring, settings)
        except ValueError as error:
            get_logger().warning("vault.refresh_failed", reason=str(error))
            continue
        if ring.ids != vault.ring.ids:
            vault.ring = ring
            get_logger().info("vault.refreshed", key_ids=ring.ids)
