"""The bill of materials of byok_keys."""

from __future__ import annotations

from functions.byok_keys.handler import change_key, delete_key, list_keys, store_key, test_key
from shared.auth.authenticator import Authenticator
from shared.auth.own_key_changes import OwnKeyChanges
from shared.function import Function

BYOK_KEYS = Function(
    name="byok_keys",
    handlers=[store_key, list_keys, change_key, delete_key, test_key],
    opens=[Authenticator, OwnKeyChanges],
)
