"""The bill of materials of byok_keys."""

from __future__ import annotations

from functions.byok_keys.handler import change_key, delete_key, list_keys, store_key, test_key
from functions.byok_keys.user_keys import open_user_keys
from shared.auth.authenticator import open_authenticator
from shared.auth.key_check import open_key_checks
from shared.auth.open_vault import open_vault
from shared.auth.own_keys import open_own_keys
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, ProviderSettings, TryOutSettings, VaultSettings

BYOK_KEYS = Function(
    name="byok_keys",
    handlers=[store_key, list_keys, change_key, delete_key, test_key],
    settings=[DatabaseSettings, ProviderSettings, TryOutSettings, VaultSettings],
    opens=[
        open_vault,
        open_database,
        open_snapshot,
        open_authenticator,
        open_own_keys,
        open_key_checks,
        open_user_keys,
    ],
)
