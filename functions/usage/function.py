"""The bill of materials of usage."""

from __future__ import annotations

from functions.usage.admin import (
    export_all_usage,
    list_all_usage,
    summarise_all_usage,
)
from functions.usage.handler import export_usage, list_usage, summarise_usage
from shared.auth.authenticator import Authenticator
from shared.function import Function

USAGE = Function(
    name="usage",
    handlers=[
        list_usage,
        summarise_usage,
        export_usage,
        list_all_usage,
        summarise_all_usage,
        export_all_usage,
    ],
    opens=[Authenticator],
)
