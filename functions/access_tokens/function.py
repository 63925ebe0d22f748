"""The bill of materials of access_tokens."""

from __future__ import annotations

from functions.access_tokens.handler import (
    change_token,
    create_token,
    get_token,
    list_tokens,
    revoke_token,
    rotate_token,
)
from functions.access_tokens.tokens import open_tokens
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.settings import DatabaseSettings, TryOutSettings

ACCESS_TOKENS = Function(
    name="access_tokens",
    handlers=[create_token, list_tokens, get_token, change_token, revoke_token, rotate_token],
    settings=[DatabaseSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator, open_tokens],
)
