"""The bill of materials of models."""

from __future__ import annotations

from functions.models import handler
from functions.models.lists import Lists
from shared.auth.authenticator import Authenticator
from shared.catalog.aliases import ModelAliases
from shared.catalog.model_changes import Models
from shared.function import Function
from shared.upstream.platform_access import PlatformAccess, PricePolicy

MODELS = Function(
    name="models",
    handlers=[
        handler.list_models,
        handler.get_model,
        handler.list_all_models,
        handler.create_model,
        handler.read_model,
        handler.change_model,
        handler.delete_model,
        handler.list_aliases,
        handler.create_alias,
        handler.read_alias,
        handler.change_alias,
        handler.delete_alias,
    ],
    opens=[Authenticator, PlatformAccess, PricePolicy, Models, ModelAliases, Lists],
)
