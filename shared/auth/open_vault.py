"""Opens the vault of a serving process, and keeps its ring fresh where the source can change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from shared.log import get_logger
from shared.resources import opener
from shared.settings import ProviderSettings, VaultSettings
from shared.upstream.platform_keys import PlatformKeys
from shared.vault.sealing import Vault
from shared.vault.sources import SECRETS_MANAGER, read_key_ring

__all__ = ["PlatformKeys", "Vault", "keep_fresh", "open_platform_keys", "open_vault"]

REFRESH_S = 300.0


@opener
async def open_vault(settings: VaultSettings) -> AsyncGenerator[Vault]:
    """Raises ValueError("Invalid encryption key: …") where there is no usable ring.

    A ring of Secrets Manager is read again every REFRESH_S, so that a key added there needs no
    restart.
    """
    vault = Vault(await asyncio.to_thread(read_key_ring, settings))
    if not settings.key_source.startswith(SECRETS_MANAGER):
        yield vault
        return
    refreshing = asyncio.create_task(keep_fresh(vault, settings), name="vault.refresh")
    try:
        yield vault
    finally:
        refreshing.cancel()
        await asyncio.wait([refreshing])


@opener
async def open_platform_keys(
    providers: ProviderSettings, vault: Vault
) -> AsyncGenerator[PlatformKeys]:
    """They open what admins stored."""
    yield PlatformKeys.from_settings(providers, vault)


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
