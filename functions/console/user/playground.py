"""The playground: a chat, and beside it where each message goes, why, and for how much.

The page's script asks the gateway itself, with an access token of five minutes that it is given
here: the session opens these pages and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from litestar import Response, get, post

from functions.console.answers import PlaygroundToken
from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import signed_in
from shared.auth.guards import AnyRequest, actor_of, caller_of, resources_of
from shared.auth.own_tokens import CreateOwnToken, OwnTokens
from shared.auth.scope import Scope
from shared.catalog.watch import SnapshotKeeper
from shared.routing.deployment import Kind

_GUARDS = [signed_in(Scope.COMPLETIONS)]
_LASTS = timedelta(minutes=5)
_NAME = "playground"
_MOST_MODELS = 300


@get("/playground", include_in_schema=False, guards=_GUARDS, exception_handlers=ERRORS)
async def show_playground(request: AnyRequest) -> Response[str]:
    """The page; without its script it says that it needs one."""
    resources = resources_of(request)
    snapshot, pages = resources.get(SnapshotKeeper).snapshot, resources.get(Pages)
    listed = [
        f"{one.provider.slug}/{one.model_id}"
        for one in snapshot.models
        if one.is_active and one.provider.is_active and one.kind in (None, Kind.CHAT)
    ]
    return pages.page(
        request,
        "playground.html",
        levels=[one.name for one in snapshot.levels],
        models=sorted(listed)[:_MOST_MODELS],
        has_more=len(listed) > _MOST_MODELS,
        gateway=(pages.settings.public_url or "").rstrip("/"),
    )


@post("/playground/token", include_in_schema=False, guards=_GUARDS, exception_handlers=ERRORS)
async def make_token(request: AnyRequest) -> PlaygroundToken:
    """A token for completions alone, as the caller could make one for themselves, that ends soon.

    Whoever may not make one, as their own has limits, has no playground: each call of this route
    would be a way around them.
    """
    caller, ends = caller_of(request), datetime.now(UTC) + _LASTS
    if caller.expires_at_s is not None:
        ends = min(ends, datetime.fromtimestamp(caller.expires_at_s, UTC))
    asked = CreateOwnToken(name=_NAME, scopes=[Scope.COMPLETIONS], expires_at=ends)
    made = await resources_of(request).get(OwnTokens).create(asked, caller, actor_of(request))
    return PlaygroundToken(made.token, ends)
