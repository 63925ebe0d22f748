"""GET /api/v1/admin/llm/health, POST …/check: what is known of the providers; a check now."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery, QueryParameter

from functions.health.check_now import check_now
from shared.auth.guards import AnyRequest, actor_of, require_admin, resources_of
from shared.db.connect import Database
from shared.health.report import ProviderHealth, read_health
from shared.jobs import Dispatch

History = Annotated[
    int, QueryParameter(ge=0, le=1000, description="How many past checks of each provider.")
]


class HealthList(msgspec.Struct, frozen=True):
    """`run` is the check that was waited for, if one was."""

    data: list[ProviderHealth]
    run: str | None = None
    object: str = "list"
    next_cursor: str | None = None


class Queued(msgspec.Struct, frozen=True):
    """A worker makes the check `run`; the list shows its outcome."""

    run: str
    status: str = "queued"


@get("/api/v1/admin/llm/health", guards=[require_admin])
async def list_health(request: AnyRequest, history: History = 20) -> HealthList:
    """Each provider's health with its reason, its platform key's, its last checks and uptime."""
    return await _health(request, history)


@post("/api/v1/admin/llm/health/check", guards=[require_admin], status_code=202)
async def check(
    request: AnyRequest, wait: FromQuery[bool] = False
) -> Response[HealthList | Queued]:
    """Queue a check of every provider; `wait` answers its outcome if it is there within 20 s."""
    resources = resources_of(request)
    run, is_done = await check_now(
        resources.get(Database), resources.get(Dispatch), actor_of(request), wait=wait
    )
    if is_done:
        return Response(await _health(request, history=1, run=run), status_code=200)
    return Response(Queued(run), status_code=202)


async def _health(request: AnyRequest, history: int, run: str | None = None) -> HealthList:
    async with resources_of(request).get(Database).connection() as connection:
        return HealthList(list(await read_health(connection, history=history)), run)
