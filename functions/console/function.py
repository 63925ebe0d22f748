"""The bill of materials of the console."""

from __future__ import annotations

from functions.console import files_served, sign_in, status
from functions.console.admin import audit, catalog, credentials, health, people, tiers, token
from functions.console.pages import Pages
from functions.console.user import connect, home, keys, own_tokens, playground, usage
from shared.auth.authenticator import Authenticator
from shared.auth.own_key_changes import OwnKeyChanges
from shared.auth.own_tokens import OwnTokens
from shared.auth.sessions import Sessions
from shared.auth.system_keys import SystemKeys
from shared.auth.teams import Teams
from shared.auth.tokens import Tokens
from shared.auth.users import Users
from shared.catalog.aliases import ModelAliases
from shared.catalog.level_changes import Levels
from shared.catalog.model_changes import Models
from shared.catalog.provider_changes import Providers
from shared.catalog.rule_changes import Rules
from shared.function import Function
from shared.health.check_call import CheckCall
from shared.health.status_board import StatusBoards
from shared.limits.changes import LimitChanges
from shared.limits.standing import Standings
from shared.replay.dry_run import DryRuns
from shared.upstream.provider_admin import Probe

CONSOLE = Function(
    name="console",
    handlers=[
        files_served.serve_file,
        files_served.serve_icon,
        sign_in.show_sign_in,
        sign_in.sign_in,
        sign_in.sign_out,
        status.show_status,
        status.show_board,
        status.read_status,
        home.show_home,
        usage.show_usage,
        usage.export_usage,
        keys.show_keys,
        keys.store_key,
        keys.test_key,
        keys.change_key,
        keys.remove_key,
        own_tokens.make_own_token,
        own_tokens.rotate_own_token,
        own_tokens.revoke_own_token,
        playground.show_playground,
        playground.make_token,
        connect.show_connect,
        catalog.show_admin,
        catalog.show_rows,
        catalog.make_row,
        catalog.change_row,
        catalog.try_row,
        catalog.remove_row,
        credentials.show_tokens,
        credentials.make_token,
        credentials.revoke_token,
        credentials.show_system_keys,
        credentials.store_system_key,
        credentials.test_system_key,
        credentials.remove_system_key,
        token.show_token,
        token.change_token,
        token.rotate_token,
        people.show_users,
        people.block_user,
        people.unblock_user,
        people.show_team,
        people.put_member,
        people.remove_member,
        health.show_health,
        health.check_health,
        health.test_provider,
        tiers.show_tiers,
        audit.show_audit,
    ],
    opens=[
        *(Authenticator, Sessions, Pages, StatusBoards),
        *(OwnKeyChanges, OwnTokens, SystemKeys, Tokens, Users, Teams, Probe, CheckCall),
        *(Providers, Models, ModelAliases, Rules, Levels, LimitChanges, Standings, DryRuns),
    ],
)
