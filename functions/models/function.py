"""The bill of materials of models."""

from __future__ import annotations

from functions.models.admin import ROUTES
from functions.models.handler import get_model, list_models
from shared.auth.authenticator import Authenticator
from shared.function import Function
from shared.upstream.platform_access import PlatformAccess

MODELS = Function(
    name="models",
    handlers=[list_models, get_model, *ROUTES],
    opens=[Authenticator, PlatformAccess],
)
