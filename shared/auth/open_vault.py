"""Opens the vault of a serving process, and keeps its ring fresh where the source can change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

from shared.resources import end_tasks, opener
from shared.settings import ProviderSettings, VaultSettings
from shared.upstream.platform_keys import PlatformKeys
from shared.vault.sealing import Vault
from shared.vault.sources import SECRETS_MANAGER, read_key_ring

__all__ = ["PlatformKeys", "Vault", "keep_fresh", "open_platform_keys", "open_vault"]

REFRESH_S = 300.0


@opener
async def open_vault(settings: VaultSettings) -> AsyncGenerator[Vault]:
    """Raises ValueError("Invalid encryption key: …") where there is no usable ring.

    A ring of Secrets Manager is read again every REFRESH_S, and when a key does not open: one that
    was added there needs no restart.
    """
    read = partial(read_key_ring, settings)
    can_change = settings.key_source.startswith(SECRETS_MANAGER)
    vault = Vault(await asyncio.to_thread(read), read if can_change else None)
    if not can_change:
        yield vault
        return
    refreshing = asyncio.create_task(keep_fresh(vault), name="vault.refresh")
    try:
        yield vault
    finally:
        await end_tasks(refreshing)


@opener
async def open_platform_keys(
    providers: ProviderSettings, vault: Vault
) -> AsyncGenerator[PlatformKeys]:
    """They open what admins stored."""
    yield PlatformKeys.from_settings(providers, vault)


async def keep_fresh(vault: Vault, every_s: float = REFRESH_S) -> None:
    """Read the ring again and again until cancelled; one that cannot be read leaves the old."""
    while True:
        await asyncio.sleep(every_s)
        await vault.reader.read_again()
