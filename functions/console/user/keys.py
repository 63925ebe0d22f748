"""The page of the caller's own provider keys and access tokens; the keys are changed here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.error_pages import ERRORS
from functions.console.forms import CSRF, form_of, read
from functions.console.pages import Pages
from functions.console.parts import part_of
from functions.console.signed_in import signed_in
from shared.auth.guards import AnyRequest, actor_of, caller_of, resources_of
from shared.auth.key_check import KeyStatus
from shared.auth.own_key_changes import ChangeKey, OwnKeyChanges, StoreKey
from shared.auth.own_tokens import OwnTokens
from shared.auth.scope import Scope
from shared.catalog.watch import SnapshotKeeper
from shared.errors import RequestRefused, UpstreamError
from shared.routing.own_keys import PlatformFallback, UsePolicy

_GUARDS = [signed_in(Scope.KEYS)]
_WHAT: Any = {"guards": _GUARDS, "exception_handlers": ERRORS, "include_in_schema": False}
_SEE_OTHER = 303


@get("/keys", **_WHAT)
async def show_keys(request: AnyRequest) -> Response[str]:
    """The keys, and the form to store one."""
    return await keys_page(request)


@post("/keys", **_WHAT)
async def store_key(request: AnyRequest) -> Response[str]:
    """Check a key at its provider and store it, sealed."""
    fields = await form_of(request)
    fields.pop(CSRF, None)
    try:
        asked = read(StoreKey, {"provider": "", "api_key": "", **fields})
        user_id = caller_of(request).user_id
        found = await _keys(request).store(user_id, asked, actor_of(request))
    except RequestRefused as error:
        return await keys_page(request, complaint=error.message, status=error.status)
    said = found.warning or "The provider takes it."
    return await keys_page(request, done=f"The key for {found.provider} is stored. {said}")


@post("/keys/{provider:str}/test", **_WHAT)
async def test_key(request: AnyRequest, provider: FromPath[str]) -> Response[str]:
    """Ask the provider's free endpoint whether it takes the key now."""
    try:
        tested = await _keys(request).test(caller_of(request).user_id, provider, actor_of(request))
    except UpstreamError as error:
        return await keys_page(request, complaint=error.message, status=error.status)
    said = f"{provider}: {tested.message}"
    if tested.found.status in (KeyStatus.OK, KeyStatus.SIMULATED):
        return await keys_page(request, done=said)
    return await keys_page(request, complaint=said)


@post("/keys/{provider:str}/change", **_WHAT)
async def change_key(request: AnyRequest, provider: FromPath[str]) -> Redirect:
    """When the key is used, and whether the platform may pay after it."""
    fields = await form_of(request)
    fields.pop(CSRF, None)
    asked, user_id = read(ChangeKey, fields), caller_of(request).user_id
    await _keys(request).change(user_id, provider, asked, actor_of(request))
    return Redirect("/keys", status_code=_SEE_OTHER)


@post("/keys/{provider:str}/remove", **_WHAT)
async def remove_key(request: AnyRequest, provider: FromPath[str]) -> Redirect:
    await _keys(request).delete(caller_of(request).user_id, provider, actor_of(request))
    return Redirect("/keys", status_code=_SEE_OTHER)


async def keys_page(
    request: AnyRequest,
    *,
    done: str | None = None,
    complaint: str | None = None,
    made: str | None = None,
    status: int = 200,
) -> Response[str]:
    """`made` is the text of a new access token, shown this once."""
    caller, now = caller_of(request), datetime.now(UTC)
    snapshot = resources_of(request).get(SnapshotKeeper).snapshot
    tokens = await resources_of(request).get(OwnTokens).page(caller, 0, None)
    valid = [one for one in reversed(tokens) if one.is_valid(now)]
    values: dict[str, Any] = {
        "keys": await _keys(request).list(caller.user_id),
        "tokens": part_of(valid, request.query_params),
        "ended": len(tokens) - len(valid),
        "own_id": caller.token_id,
        "made": made,
        "providers": [one for one in snapshot.providers if one.is_byok_supported and one.is_active],
        "names": {one.slug: one.name for one in snapshot.providers},
        "policies": [*UsePolicy],
        "fallbacks": [*PlatformFallback],
        "done": done,
        "complaint": complaint,
    }
    return resources_of(request).get(Pages).page(request, "keys.html", status=status, **values)


def _keys(request: AnyRequest) -> OwnKeyChanges:
    return resources_of(request).get(OwnKeyChanges)
