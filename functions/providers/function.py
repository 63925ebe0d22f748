"""The bill of materials of providers."""

from __future__ import annotations

from functions.providers.admin import ROUTES
from functions.providers.handler import list_providers
from functions.providers.probe import open_probe
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, LiteLLMSettings, ProviderSettings, TryOutSettings
from shared.upstream.platform_access import open_platform_access

PROVIDERS = Function(
    name="providers",
    handlers=[list_providers, *ROUTES],
    settings=[DatabaseSettings, LiteLLMSettings, ProviderSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator, open_platform_access, open_probe],
)
