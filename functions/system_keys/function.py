"""The bill of materials of system_keys."""

from __future__ import annotations

from functions.system_keys.handler import delete_key, list_keys, store_key, test_key
from shared.auth.authenticator import Authenticator
from shared.auth.system_keys import SystemKeys
from shared.function import Function

SYSTEM_KEYS = Function(
    name="system_keys",
    handlers=[store_key, list_keys, delete_key, test_key],
    opens=[Authenticator, SystemKeys],
)
