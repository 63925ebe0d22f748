"""The bill of materials of system_keys."""

from __future__ import annotations

from functions.system_keys.handler import delete_key, list_keys, store_key, test_key
from functions.system_keys.stored_keys import open_stored_keys
from shared.auth.authenticator import open_authenticator
from shared.auth.key_check import open_key_checks
from shared.auth.open_vault import open_platform_keys, open_vault
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, ProviderSettings, TryOutSettings, VaultSettings

SYSTEM_KEYS = Function(
    name="system_keys",
    handlers=[store_key, list_keys, delete_key, test_key],
    settings=[DatabaseSettings, ProviderSettings, TryOutSettings, VaultSettings],
    opens=[
        open_vault,
        open_platform_keys,
        open_database,
        open_snapshot,
        open_authenticator,
        open_key_checks,
        open_stored_keys,
    ],
)
