"""The bill of materials of models."""

from __future__ import annotations

from functions.models.admin import ROUTES
from functions.models.handler import get_model, list_models
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, LiteLLMSettings, ProviderSettings, TryOutSettings
from shared.upstream.platform_access import open_platform_access

MODELS = Function(
    name="models",
    handlers=[list_models, get_model, *ROUTES],
    settings=[DatabaseSettings, LiteLLMSettings, ProviderSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator, open_platform_access],
)
