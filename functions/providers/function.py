"""The bill of materials of providers."""

from __future__ import annotations

from functions.providers import handler
from shared.auth.authenticator import Authenticator
from shared.catalog.provider_changes import Providers
from shared.function import Function
from shared.upstream.provider_admin import Probe

PROVIDERS = Function(
    name="providers",
    handlers=[
        handler.list_providers,
        handler.list_all_providers,
        handler.create_provider,
        handler.read_provider,
        handler.change_provider,
        handler.delete_provider,
        handler.test_provider,
    ],
    opens=[Authenticator, Providers, Probe],
)
