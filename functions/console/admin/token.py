"""The admin's page of one access token: what it may, changed; and another in its place."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.admin.credentials import tokens_page
from functions.console.forms import CSRF, end_of, form_of, read
from functions.console.pages import Pages
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, actor_of, caller_of, resources_of
from shared.auth.scope import Scope
from shared.auth.tokens import ChangeToken, RotateToken, Tokens
from shared.db.access_tokens import TokenRow
from shared.errors import RequestRefused
from shared.routing.deployment import Tier

_SEE_OTHER = 303
_ONE = "/admin/tokens/{token_id:int}"


@get(_ONE, **ADMINS_PAGE)
async def show_token(request: AnyRequest, token_id: FromPath[int]) -> Response[str]:
    """What one token may, and the forms to change that."""
    return _page(request, await _tokens(request).find(token_id))


@post(_ONE, **ADMINS_PAGE)
async def change_token(request: AnyRequest, token_id: FromPath[int]) -> Response[Any]:
    """Change what the form says; in force within 2 s."""
    fields, row = await form_of(request), await _tokens(request).find(token_id)
    fields.pop(CSRF, None)
    try:
        asked = read(ChangeToken, _changes(row, end_of(fields)))
        await _tokens(request).change(token_id, asked, actor_of(request), caller_of(request).scopes)
    except RequestRefused as error:
        return _page(request, row, error)
    return Redirect("/admin/tokens?" + urlencode({"user": row.user_id}), status_code=_SEE_OTHER)


@post(_ONE + "/rotate", **ADMINS_PAGE)
async def rotate_token(request: AnyRequest, token_id: FromPath[int]) -> Response[str]:
    """Make a token in its place, shown this once; `overlap_hours` 0 ends the old one at once."""
    fields, scopes = await form_of(request), caller_of(request).scopes
    fields.pop(CSRF, None)
    try:
        asked = read(RotateToken, fields)
        made = await _tokens(request).rotate(token_id, asked, actor_of(request), scopes)
    except RequestRefused as error:
        return _page(request, await _tokens(request).find(token_id), error)
    return await tokens_page(request, made=made.token)


def _page(request: AnyRequest, row: TokenRow, error: RequestRefused | None = None) -> Response[str]:
    return resources_of(request).get(Pages).page(
        request,
        "token.html",
        status=200 if error is None else error.status,
        row=row,
        tiers=[*Tier],
        scopes=[*Scope],
        complaint=None if error is None else error.message,
    )  # fmt: skip


def _changes(row: TokenRow, fields: dict[str, Any]) -> dict[str, Any]:
    """Lists are written with commas; an emptied field takes a team or a list of models away."""
    asked = {
        **fields,
        "team_id": fields.get("team_id"),
        "scopes": _words(fields.get("scopes", "")),
        "allowed_models": _words(fields.get("allowed_models", "")) or None,
    }
    return {name: value for name, value in asked.items() if value != getattr(row, name)}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _tokens(request: AnyRequest) -> Tokens:
    return resources_of(request).get(Tokens)
