"""Limits below /api/v1/admin/llm/limits: read, set and removed by an admin."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from functions.limits.answers import DeletedLimit, LimitCard, limit_card
from shared.auth.guards import AnyRequest, actor_of, require_admin, resources_of
from shared.limits.changes import ChangeLimit, LimitChanges, NewLimit
from shared.wire.page import Listed

LIMITS = "/api/v1/admin/llm/limits"
LIMIT = LIMITS + "/{limit_id:int}"
_ADMIN = [require_admin]


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
