"""The admin's pages of access tokens and of the platform's provider keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.forms import CSRF, end_of, form_of, read, word_of
from functions.console.pages import Pages
from functions.console.parts import part_of
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, actor_of, caller_of, resources_of
from shared.auth.system_keys import StoreSystemKey, SystemKeys
from shared.auth.tokens import CreateToken, Tokens
from shared.errors import RequestRefused, UpstreamError
from shared.routing.deployment import Tier

_SEE_OTHER = 303
_SHOWN = 500


@get("/admin/tokens", **ADMINS_PAGE)
async def show_tokens(request: AnyRequest) -> Response[str]:
    """The newest tokens; `user` shows one user's."""
    return await tokens_page(request)


@post("/admin/tokens", **ADMINS_PAGE)
async def make_token(request: AnyRequest) -> Response[str]:
    """Make a token, whose text is shown this once."""
    fields: dict[str, Any] = {**await form_of(request)}
    fields.pop(CSRF, None)
    try:
        asked = read(CreateToken, end_of(fields))
        tokens = resources_of(request).get(Tokens)
        made = await tokens.create(asked, actor_of(request), caller_of(request).scopes)
    except RequestRefused as error:
        return await tokens_page(request, complaint=error.message, status=error.status)
    return await tokens_page(request, made=made.token)


@post("/admin/tokens/{token_id:int}/revoke", **ADMINS_PAGE)
async def revoke_token(request: AnyRequest, token_id: FromPath[int]) -> Redirect:
    await resources_of(request).get(Tokens).revoke(token_id, actor_of(request))
    return Redirect("/admin/tokens", status_code=_SEE_OTHER)


@get("/admin/system-keys", **ADMINS_PAGE)
async def show_system_keys(request: AnyRequest) -> Response[str]:
    return await _keys_page(request)


@post("/admin/system-keys", **ADMINS_PAGE)
async def store_system_key(request: AnyRequest) -> Response[str]:
    """Check the platform's key at its provider and store it, sealed."""
    fields = await form_of(request)
    fields.pop(CSRF, None)
    try:
        asked = read(StoreSystemKey, {"provider": "", "api_key": "", **fields})
        stored = await resources_of(request).get(SystemKeys).store(asked, actor_of(request))
    except RequestRefused as error:
        return await _keys_page(request, complaint=error.message, status=error.status)
    said = stored.row.status_reason or "The provider takes it."
    return await _keys_page(request, done=f"The key for {stored.row.provider} is stored. {said}")


@post("/admin/system-keys/{provider:str}/test", **ADMINS_PAGE)
async def test_system_key(request: AnyRequest, provider: FromPath[str]) -> Response[str]:
    try:
        tested = await resources_of(request).get(SystemKeys).test(provider, actor_of(request))
    except UpstreamError as error:
        return await _keys_page(request, complaint=error.message, status=error.status)
    said = tested.row.status_reason or "The provider takes the key."
    return await _keys_page(request, done=f"{provider}: {said}")


@post("/admin/system-keys/{provider:str}/remove", **ADMINS_PAGE)
async def remove_system_key(request: AnyRequest, provider: FromPath[str]) -> Redirect:
    await resources_of(request).get(SystemKeys).delete(provider, actor_of(request))
    return Redirect("/admin/system-keys", status_code=_SEE_OTHER)


async def tokens_page(
    request: AnyRequest,
    *,
    made: str | None = None,
    complaint: str | None = None,
    status: int = 200,
) -> Response[str]:
    resources = resources_of(request)
    user = word_of(request.query_params, "user")
    rows = await resources.get(Tokens).newest(_SHOWN, user)
    return resources.get(Pages).page(
        request,
        "tokens.html",
        status=status,
        part=part_of(rows, request.query_params),
        now=datetime.now(UTC),
        tiers=[*Tier],
        user=user or "",
        made=made,
        complaint=complaint,
    )


async def _keys_page(
    request: AnyRequest,
    *,
    done: str | None = None,
    complaint: str | None = None,
    status: int = 200,
) -> Response[str]:
    resources = resources_of(request)
    rows = await resources.get(SystemKeys).list()
    values: dict[str, Any] = {"rows": rows, "done": done, "complaint": complaint}
    return resources.get(Pages).page(request, "system_keys.html", status=status, **values)
