"""The admin's pages of users, who can be blocked, and of a team's members."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.forms import CSRF, form_of, read, word_of
from functions.console.pages import Pages
from functions.console.parts import part_of
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, actor_of, resources_of
from shared.auth.teams import Membership, Teams
from shared.auth.users import DAYS, ChangeUser, Users
from shared.errors import InvalidField, RequestRefused

_SEE_OTHER = 303
_USER = "user_id"


@get("/admin/users", **ADMINS_PAGE)
async def show_users(request: AnyRequest) -> Response[str]:
    """The 1,000 who cost most in 30 days, dearest first; `find` shows those it is in."""
    return await _users_page(request)


@post("/admin/users/block", **ADMINS_PAGE)
async def block_user(request: AnyRequest) -> Response[Any]:
    """Refuse a user everywhere within 2 s; one whom nobody has seen yet, too."""
    return await _block(request, ChangeUser(is_blocked=True))


@post("/admin/users/unblock", **ADMINS_PAGE)
async def unblock_user(request: AnyRequest) -> Response[Any]:
    """Let a blocked user in again."""
    return await _block(request, ChangeUser(is_blocked=False))


@get("/admin/team/{team_id:str}", **ADMINS_PAGE)
async def show_team(request: AnyRequest, team_id: FromPath[str]) -> Response[str]:
    """Who belongs to a team, and who may change that."""
    return await _team_page(request, team_id)


@post("/admin/team/{team_id:str}/members", **ADMINS_PAGE)
async def put_member(request: AnyRequest, team_id: FromPath[str]) -> Response[Any]:
    """Have a user in the team, or make them an admin of it, or no more."""
    fields = await form_of(request)
    fields.pop(CSRF, None)
    user_id = fields.pop(_USER, "")
    try:
        membership = read(Membership, fields)
        await _teams(request).put_member(team_id, user_id, membership, actor_of(request))
    except InvalidField as error:
        return await _team_page(request, team_id, error)
    return Redirect(f"/admin/team/{quote(team_id)}", status_code=_SEE_OTHER)


@post("/admin/team/{team_id:str}/remove-member", **ADMINS_PAGE)
async def remove_member(request: AnyRequest, team_id: FromPath[str]) -> Redirect:
    """Take a user out; their tokens of the team end."""
    user_id = (await form_of(request)).get(_USER, "")
    await _teams(request).remove_member(team_id, user_id, actor_of(request))
    return Redirect(f"/admin/team/{quote(team_id)}", status_code=_SEE_OTHER)


async def _block(request: AnyRequest, change: ChangeUser) -> Response[Any]:
    user_id = (await form_of(request)).get(_USER, "")
    try:
        await resources_of(request).get(Users).block(user_id, change, actor_of(request))
    except RequestRefused as error:
        return await _users_page(request, error)
    return Redirect("/admin/users", status_code=_SEE_OTHER)


async def _users_page(request: AnyRequest, error: RequestRefused | None = None) -> Response[str]:
    resources, find = resources_of(request), word_of(request.query_params, "find") or ""
    every, word = await resources.get(Users).list(DAYS), find.lower()
    rows = [one for one in every if word in one.user_id.lower()]
    return resources.get(Pages).page(
        request,
        "users.html",
        status=200 if error is None else error.status,
        part=part_of(rows, request.query_params),
        find=find,
        complaint=None if error is None else error.message,
    )  # fmt: skip


async def _team_page(
    request: AnyRequest, team_id: str, error: RequestRefused | None = None
) -> Response[str]:
    team = await _teams(request).find(team_id)
    return resources_of(request).get(Pages).page(
        request,
        "team.html",
        status=200 if error is None else error.status,
        team=team,
        part=part_of(team.members, request.query_params),
        complaint=None if error is None else error.message,
    )  # fmt: skip


def _teams(request: AnyRequest) -> Teams:
    return resources_of(request).get(Teams)
