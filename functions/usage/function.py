"""The bill of materials of usage."""

from __future__ import annotations

from functions.usage.admin import (
    export_all_usage,
    list_all_usage,
    summarise_all_usage,
)
from functions.usage.handler import export_usage, list_usage, summarise_usage
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, TryOutSettings

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
    settings=[DatabaseSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator],
)
