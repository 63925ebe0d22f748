"""The caller's own access tokens, a part of the page of keys: made, rotated, revoked."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.error_pages import ERRORS
from functions.console.forms import CSRF, end_of, form_of, read
from functions.console.signed_in import signed_in
from functions.console.user.keys import keys_page
from shared.auth.guards import AnyRequest, actor_of, caller_of, resources_of
from shared.auth.own_tokens import CreateOwnToken, OwnTokens
from shared.auth.scope import Scope
from shared.auth.tokens import RotateToken
from shared.errors import RequestRefused

_WHAT: Any = {
    "guards": [signed_in(Scope.KEYS)],
    "exception_handlers": ERRORS,
    "include_in_schema": False,
}
_SEE_OTHER = 303


@post("/keys/tokens", **_WHAT)
async def make_own_token(request: AnyRequest) -> Response[str]:
    """Make a token of what the caller's may, whose text is shown this once."""
    fields: dict[str, Any] = {**await form_of(request)}
    fields.pop(CSRF, None)
    try:
        asked = read(CreateOwnToken, end_of(fields))
        made = await _own(request).create(asked, caller_of(request), actor_of(request))
    except RequestRefused as error:
        return await keys_page(request, complaint=error.message, status=error.status)
    return await keys_page(request, made=made.token)


@post("/keys/tokens/{token_id:int}/rotate", **_WHAT)
async def rotate_own_token(request: AnyRequest, token_id: FromPath[int]) -> Response[str]:
    """Make a token in another's place, which goes on for a day."""
    try:
        made = await _own(request).rotate(
            token_id, RotateToken(), caller_of(request), actor_of(request)
        )
    except RequestRefused as error:
        return await keys_page(request, complaint=error.message, status=error.status)
    return await keys_page(request, made=made.token)


@post("/keys/tokens/{token_id:int}/revoke", **_WHAT)
async def revoke_own_token(request: AnyRequest, token_id: FromPath[int]) -> Redirect:
    await _own(request).revoke(token_id, caller_of(request), actor_of(request))
    return Redirect("/keys", status_code=_SEE_OTHER)


def _own(request: AnyRequest) -> OwnTokens:
    return resources_of(request).get(OwnTokens)
