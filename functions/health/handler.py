"""GET /api/v1/admin/llm/health, POST …/check: what is known of the providers; a check now."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, QueryParameter
from redis.exceptions import RedisError

from functions.health.answers import HealthList, Queued, health_list
from shared.auth.guards import AnyRequest, actor_of, require_admin, resources_of
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.errors import ServiceUnavailable
from shared.health.check_call import CheckCall, CheckNotCalled
from shared.health.on_demand import request_check, wait_for_check
from shared.health.report import read_health
from shared.upstream.platform_access import PlatformAccess

WAIT_S = 20.0
History = Annotated[
    int, QueryParameter(ge=0, le=1000, description="How many past checks of each provider.")
]


@get("/api/v1/admin/llm/health", guards=[require_admin])
async def list_health(request: AnyRequest, history: History = 20) -> HealthList:
    """Each provider's health with its reason, its platform key's, its last checks and uptime."""
    return await _health(request, history)


@post(
    "/api/v1/admin/llm/health/check",
    guards=[require_admin],
    status_code=202,
    responses={200: ResponseSpec(HealthList, description="Its outcome, where it was waited for.")},
)
async def check(
    request: AnyRequest, wait: FromQuery[bool] = False
) -> Response[HealthList | Queued]:
    """Queue a check of every provider; `wait` answers its outcome if it is there within 20 s."""
    resources = resources_of(request)
    database, call = resources.get(Database), resources.get(CheckCall)
    try:
        async with database.connection() as connection:
            run = await request_check(connection, call, actor_of(request))
    except RedisError as error:
        raise ServiceUnavailable("The check could not be queued: Redis does not answer.") from error
    except CheckNotCalled as error:
        raise ServiceUnavailable(
            "The check could not be called for: Lambda did not take it (HEALTH_CHECK_LAMBDA)."
        ) from error
    if wait and await wait_for_check(database.connection, run, WAIT_S):
        return Response(await _health(request, history=1, run=run), status_code=200)
    return Response(Queued(run), status_code=202)


async def _health(request: AnyRequest, history: int, run: str | None = None) -> HealthList:
    resources = resources_of(request)
    access = resources.get(PlatformAccess)
    providers = resources.get(SnapshotKeeper).snapshot.providers
    ways = {one.slug: access.way_to(one) for one in providers}
    async with resources.get(Database).report() as connection:
        return health_list(await read_health(connection, history=history), ways, run)
