"""The bill of materials of providers."""

from __future__ import annotations

from functions.providers.admin import ROUTES
from functions.providers.handler import list_providers
from functions.providers.probe import Probe
from shared.auth.authenticator import Authenticator
from shared.function import Function

PROVIDERS = Function(
    name="providers", handlers=[list_providers, *ROUTES], opens=[Authenticator, Probe]
)
