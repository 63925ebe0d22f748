"""The bill of materials of providers."""

from __future__ import annotations

from functions.providers.handler import list_providers
from shared.auth.authenticator import open_authenticator
from shared.db.connect import open_database
from shared.db.watch import open_snapshot
from shared.function import Function
from shared.settings import DatabaseSettings, TryOutSettings

PROVIDERS = Function(
    name="providers",
    handlers=[list_providers],
    settings=[DatabaseSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator],
)
