"""Access tokens, users and teams for admins; and the tokens that users make for themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from functions.access_tokens.answers import (
    NewTokenCard,
    TeamCard,
    TokenCard,
    UserCard,
    card,
    new_card,
    team_card,
    user_card,
)
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_scope,
    require_user,
    resources_of,
)
from shared.auth.own_tokens import CreateOwnToken, OwnTokens
from shared.auth.scope import Scope
from shared.auth.teams import ChangeTeam, Membership, NewTeam, Teams
from shared.auth.tokens import ChangeToken, CreateToken, RotateToken, Tokens
from shared.auth.users import ChangeUser, Users
from shared.wire.page import Listed, cut, read_cursor, read_limit

PATH = "/api/v1/admin/llm/access-tokens"
ONE = PATH + "/{token_id:int}"
OWN = "/api/v1/llm/tokens"
USERS = "/api/v1/admin/llm/users"
USER = USERS + "/{user_id:path}"
TEAMS = "/api/v1/admin/llm/teams"
TEAM = TEAMS + "/{team_id:str}"
MEMBER = TEAM + "/members/{user_id:path}"

_USER = [require_scope(Scope.KEYS)]
_ADMIN = [require_admin]
_Days = Annotated[int, QueryParameter(ge=1, le=366, description="Usage of so long.")]


@post(PATH, guards=[require_admin])
async def create_token(request: AnyRequest, data: JSONBody[CreateToken]) -> NewTokenCard:
    """Make a token; its text is in this answer and never shown again."""
    scopes = caller_of(request).scopes
    return new_card(await _tokens(request).create(data, actor_of(request), scopes), _now())


@get(PATH, guards=[require_admin])
async def list_tokens(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    user_id: FromQuery[str | None] = None,
) -> Listed[TokenCard]:
    """Every token that was ever made, revoked ones too, oldest first."""
    after, size, now = read_cursor(cursor) or 0, read_limit(limit), _now()
    rows, next_cursor = cut(await _tokens(request).page(after, size + 1, user_id), size)
    return Listed([card(row, now) for row in rows], next_cursor=next_cursor)


@get(ONE, guards=[require_admin])
async def get_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """One token, without its secret."""
    return card(await _tokens(request).find(token_id), _now())


@patch(ONE, guards=[require_admin])
async def change_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[ChangeToken]
) -> TokenCard:
    """Change what a token may do; in force in every process within 2 s."""
    scopes = caller_of(request).scopes
    return card(await _tokens(request).change(token_id, data, actor_of(request), scopes), _now())


@delete(ONE, guards=[require_admin], status_code=200)
async def revoke_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """End a token now; every process knows within 2 s."""
    return card(await _tokens(request).revoke(token_id, actor_of(request)), _now())


@post(ONE + "/rotate", guards=[require_admin])
async def rotate_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[RotateToken]
) -> NewTokenCard:
    """Make a token in another's place; the old one goes on for `overlap_hours`, 24 by default."""
    scopes = caller_of(request).scopes
    made = await _tokens(request).rotate(token_id, data, actor_of(request), scopes)
    return new_card(made, _now())


@post(OWN, guards=_USER)
async def create_own_token(request: AnyRequest, data: JSONBody[CreateOwnToken]) -> NewTokenCard:
    """Make a token for yourself, of what yours may or less; its text is never shown again."""
    own = resources_of(request).get(OwnTokens)
    return new_card(await own.create(data, caller_of(request), actor_of(request)), _now())


@get(OWN, guards=_USER)
async def list_own_tokens(
    request: AnyRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 100
) -> Listed[TokenCard]:
    """Every token that you have or had, revoked ones too, oldest first."""
    after, size, now = read_cursor(cursor) or 0, read_limit(limit), _now()
    own = resources_of(request).get(OwnTokens)
    rows, next_cursor = cut(await own.page(caller_of(request), after, size + 1), size)
    return Listed([card(row, now) for row in rows], next_cursor=next_cursor)


@delete(OWN + "/{token_id:int}", guards=_USER, status_code=200)
async def revoke_own_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """End one of your tokens now, and those that were made with it."""
    own = resources_of(request).get(OwnTokens)
    return card(await own.revoke(token_id, caller_of(request), actor_of(request)), _now())


@post(OWN + "/{token_id:int}/rotate", guards=_USER)
async def rotate_own_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[RotateToken]
) -> NewTokenCard:
    """Make a token in the place of one of yours; it ends when that would have, at the latest."""
    own = resources_of(request).get(OwnTokens)
    made = await own.rotate(token_id, data, caller_of(request), actor_of(request))
    return new_card(made, _now())


@get(USERS, guards=_ADMIN)
async def list_users(request: AnyRequest, days: _Days = 30) -> Listed[UserCard]:
    """The 1,000 users who cost most in the last days, dearest first."""
    return Listed([user_card(row) for row in await _users(request).list(days)])


@get(USER, guards=_ADMIN)
async def get_user(request: AnyRequest, user_id: FromPath[str], days: _Days = 30) -> UserCard:
    """Who has a token, a key or usage of that id."""
    return user_card(await _users(request).find(user_id.removeprefix("/"), days))


@patch(USER, guards=_ADMIN)
async def change_user(
    request: AnyRequest, user_id: FromPath[str], data: JSONBody[ChangeUser]
) -> UserCard:
    """Block a user, or let them in again; every process knows within 2 s."""
    user = user_id.removeprefix("/")
    return user_card(await _users(request).block(user, data, actor_of(request)))


@post(TEAMS, guards=_ADMIN)
async def create_team(request: AnyRequest, data: JSONBody[NewTeam]) -> TeamCard:
    """Make a team, whose id tokens, usage and limits then say."""
    return team_card(await _teams(request).create(data, actor_of(request)))


@get(TEAMS, guards=_ADMIN)
async def list_teams(request: AnyRequest) -> Listed[TeamCard]:
    """Every team, with its members."""
    return Listed([team_card(row) for row in await _teams(request).list()])


@get(TEAM, guards=[require_user])
async def get_team(request: AnyRequest, team_id: FromPath[str]) -> TeamCard:
    """For admins, and for the team's own."""
    await _teams(request).check_may_change(team_id, caller_of(request))
    return team_card(await _teams(request).find(team_id))


@patch(TEAM, guards=_ADMIN)
async def change_team(
    request: AnyRequest, team_id: FromPath[str], data: JSONBody[ChangeTeam]
) -> TeamCard:
    """Rename a team, or switch it off: its tokens are refused within 2 s."""
    return team_card(await _teams(request).change(team_id, data, actor_of(request)))


@delete(TEAM, guards=_ADMIN, status_code=200)
async def delete_team(request: AnyRequest, team_id: FromPath[str]) -> TeamCard:
    """Remove a team that has no valid token; its usage stays."""
    return team_card(await _teams(request).delete(team_id, actor_of(request)))


@put(MEMBER, guards=[require_user])
async def put_member(
    request: AnyRequest, team_id: FromPath[str], user_id: FromPath[str], data: JSONBody[Membership]
) -> TeamCard:
    """Have a user in a team. For admins, and for the team's own."""
    teams, user = _teams(request), user_id.removeprefix("/")
    await teams.check_may_change(team_id, caller_of(request))
    return team_card(await teams.put_member(team_id, user, data, actor_of(request)))


@delete(MEMBER, guards=[require_user], status_code=200)
async def remove_member(
    request: AnyRequest, team_id: FromPath[str], user_id: FromPath[str]
) -> TeamCard:
    """Take a user out of a team, whose tokens of it end. For admins, and for the team's own."""
    teams, user = _teams(request), user_id.removeprefix("/")
    await teams.check_may_change(team_id, caller_of(request))
    return team_card(await teams.remove_member(team_id, user, actor_of(request)))


def _users(request: AnyRequest) -> Users:
    return resources_of(request).get(Users)


def _teams(request: AnyRequest) -> Teams:
    return resources_of(request).get(Teams)


def _tokens(request: AnyRequest) -> Tokens:
    return resources_of(request).get(Tokens)


def _now() -> datetime:
    return datetime.now(UTC)
