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
from shared.auth.tokens import Tokens
from shared.function import Function

ACCESS_TOKENS = Function(
    name="access_tokens",
    handlers=[create_token, list_tokens, get_token, change_token, revoke_token, rotate_token],
    opens=[Tokens],
)
