"""The bill of materials of models."""

from __future__ import annotations

from functions.models.handler import get_model, list_models
from shared.auth.authenticator import open_authenticator
from shared.db.connect import open_database
from shared.db.watch import open_snapshot
from shared.function import Function
from shared.settings import DatabaseSettings, TryOutSettings

MODELS = Function(
    name="models",
    handlers=[list_models, get_model],
    settings=[DatabaseSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator],
)
