"""Limits: set by an admin; how much of them is used, for who has them; and firm quotes."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from redis.exceptions import RedisError

from functions.limits.answers import (
    DeletedLimit,
    LimitCard,
    OwnLimit,
    QuoteCard,
    limit_card,
    own_limit,
    quote_card,
)
from functions.limits.quoter import Quoter
from functions.limits.requests import asking
from shared.answer_errors import MAX_BODY_BYTES
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_scope,
    require_user,
    resources_of,
)
from shared.auth.scope import Scope
from shared.doors.texts import RELAYS_BODY
from shared.errors import ServiceUnavailable
from shared.limits.book import Subjects
from shared.limits.changes import ChangeLimit, LimitChanges, NewLimit
from shared.limits.standing import Standings
from shared.wire.page import Listed

OWN_LIMITS = "/api/v1/llm/limits"
LIMITS = "/api/v1/admin/llm/limits"
LIMIT = LIMITS + "/{limit_id:int}"
_ADMIN = [require_admin]


@get(OWN_LIMITS, guards=[require_user])
async def list_own_limits(request: AnyRequest) -> Listed[OwnLimit]:
    """The limits that hold for the caller, and how much of each is used.

    Without those of end users, tags, models and keys, which differ by request.
    """
    caller = caller_of(request)
    who = Subjects(caller.token_id, caller.user_id, caller.team_id, caller.tier, None)
    try:
        standings = await resources_of(request).get(Standings).of(who)
    except RedisError as error:
        raise ServiceUnavailable(
            "What is used of limits cannot be read right now; try again in a moment."
        ) from error
    return Listed([own_limit(one) for one in standings])


@post(
    "/api/v1/llm/quote",
    guards=[require_scope(Scope.COMPLETIONS)],
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt=RELAYS_BODY,
)
async def quote(request: AnyRequest) -> QuoteCard:
    """The most that a completion's body may cost, reserved for 60 s; nothing is sent.

    The same body with `X-Quote-Id` costs no more, once.
    """
    body, asked = await asking(await request.body(), caller_of(request), request.scope)
    return quote_card(await resources_of(request).get(Quoter).quote(asked, body))


@get(LIMITS, guards=_ADMIN)
async def list_limits(request: AnyRequest) -> Listed[LimitCard]:
    """Every limit, by scope and subject; inactive ones too."""
    return Listed([limit_card(row) for row in await limits_of(request).list()])


@post(LIMITS, guards=_ADMIN)
async def create_limit(request: AnyRequest, data: JSONBody[NewLimit]) -> LimitCard:
    """Limit what a subject may use; in force within 2 s."""
    return limit_card(await limits_of(request).create(data, actor_of(request)))


@get(LIMIT, guards=_ADMIN)
async def read_limit(request: AnyRequest, limit_id: FromPath[int]) -> LimitCard:
    """One limit."""
    return limit_card(await limits_of(request).find(limit_id))


@patch(LIMIT, guards=_ADMIN)
async def change_limit(
    request: AnyRequest, limit_id: FromPath[int], data: JSONBody[ChangeLimit]
) -> LimitCard:
    """Change what is sent; null takes one amount away."""
    return limit_card(await limits_of(request).change(limit_id, data, actor_of(request)))


@delete(LIMIT, guards=_ADMIN, status_code=200)
async def delete_limit(request: AnyRequest, limit_id: FromPath[int]) -> DeletedLimit:
    """Remove a limit; it stops counting within 2 s."""
    await limits_of(request).delete(limit_id, actor_of(request))
    return DeletedLimit(limit_id)


def limits_of(request: AnyRequest) -> LimitChanges:
    return resources_of(request).get(LimitChanges)
