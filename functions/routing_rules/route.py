"""Where a request would go, without sending it: asked of the router that completions ask."""

from __future__ import annotations

import time

import msgspec
from litestar.types import HTTPScope

from functions.routing_rules.explain import Explanation, Moment, explained
from shared.auth.caller import Caller, Role
from shared.completion.admit import Asked, asked_of, read_chat
from shared.completion.router import Router
from shared.completion.wire import CHAT
from shared.errors import InvalidField, NotAllowed
from shared.ledger.request_id import current_request_id
from shared.routing.snapshot import Snapshot, Tier


async def explain(
    router: Router,
    body: bytes,
    caller: Caller,
    scope: HTTPScope,
    *,
    tier: str | None = None,
    user: str | None = None,
) -> Explanation:
    """Raises what a completion would be answered with where nothing can serve it.

    `tier` and `user` stand in for the caller's own; only an admin may name others.
    """
    asked = await asking(body, caller, scope, tier=tier, user=user)
    return await explained_from(router, asked, router.snapshot)


async def asking(
    body: bytes, caller: Caller, scope: HTTPScope, *, tier: str | None, user: str | None
) -> Asked:
    """A completion's body as its caller would send it now."""
    return asked_of(
        CHAT,
        await read_chat(CHAT, body, {}),
        _as(caller, tier, user),
        scope,
        dict(scope["headers"]),
        request_id=current_request_id(),
        started=time.perf_counter(),
    )


async def explained_from(router: Router, asked: Asked, snapshot: Snapshot) -> Explanation:
    """Where `asked` would go if `snapshot` were in force, at this moment's circuits and limits."""
    plan = await router.explain(asked, snapshot)
    table = router.circuits
    circuits = {(slug, model): state for slug, model, state in table.states()}
    return explained(plan, asked.drawn_by, Moment(table.blocks, circuits, table.clock()))


def _as(caller: Caller, tier: str | None, user: str | None) -> Caller:
    if tier is None and user is None:
        return caller
    if caller.role is not Role.ADMIN:
        raise NotAllowed("Only an admin may ask for others.", code="admin_required")
    if tier is not None and tier not in tuple(Tier):
        raise InvalidField(f"There is no such tier; use one of: {', '.join(Tier)}.", param="tier")
    return msgspec.structs.replace(
        caller,
        tier=caller.tier if tier is None else Tier(tier),
        user_id=caller.user_id if user is None else user,
        allowed_models=None,
    )
