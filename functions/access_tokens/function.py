"""The bill of materials of access_tokens."""

from __future__ import annotations

from functions.access_tokens import handler
from shared.auth.own_tokens import OwnTokens
from shared.auth.teams import Teams
from shared.auth.tokens import Tokens
from shared.auth.users import Users
from shared.function import Function

ACCESS_TOKENS = Function(
    name="access_tokens",
    handlers=[
        handler.create_token,
        handler.list_tokens,
        handler.get_token,
        handler.change_token,
        handler.revoke_token,
        handler.rotate_token,
        handler.create_own_token,
        handler.list_own_tokens,
        handler.revoke_own_token,
        handler.rotate_own_token,
        handler.list_users,
        handler.get_user,
        handler.change_user,
        handler.create_team,
        handler.list_teams,
        handler.get_team,
        handler.change_team,
        handler.delete_team,
        handler.put_member,
        handler.remove_member,
    ],
    opens=[Tokens, OwnTokens, Users, Teams],
)
