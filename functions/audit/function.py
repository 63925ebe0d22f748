"""The bill of materials of audit."""

from __future__ import annotations

from functions.audit.handler import list_audit
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, TryOutSettings

AUDIT = Function(
    name="audit",
    handlers=[list_audit],
    settings=[DatabaseSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator],
)
