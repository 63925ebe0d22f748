"""The admin's page of the providers' health: what checks found, and a check or a test now."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath
from redis.exceptions import RedisError

from functions.console.pages import Pages
from functions.console.parts import part_of
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, actor_of, resources_of
from shared.db.connect import Database
from shared.errors import RequestRefused, ServiceUnavailable
from shared.health.check_call import CheckCall, CheckNotCalled
from shared.health.on_demand import request_check
from shared.health.report import read_health
from shared.upstream.provider_admin import Probe

_PAST = 1


@get("/admin/health", **ADMINS_PAGE)
async def show_health(request: AnyRequest) -> Response[str]:
    """Each provider with its reason, its platform key's and its last check."""
    return await _page(request)


@post("/admin/health/check", **ADMINS_PAGE)
async def check_health(request: AnyRequest) -> Response[str]:
    """Queue a check of every provider."""
    resources = resources_of(request)
    try:
        async with resources.get(Database).connection() as connection:
            await request_check(connection, resources.get(CheckCall), actor_of(request))
    except (RedisError, CheckNotCalled) as error:
        raise ServiceUnavailable("The check could not be queued; try again in a moment.") from error
    return await _page(request, done="A check of every provider is queued; open Health again soon.")


@post("/admin/health/{provider:str}/test", **ADMINS_PAGE)
async def test_provider(request: AnyRequest, provider: FromPath[str]) -> Response[str]:
    """Ask its free endpoint now, with the platform's key if there is one."""
    try:
        probed = await resources_of(request).get(Probe).ask(provider)
    except RequestRefused as error:
        return await _page(request, complaint=error.message, status=error.status)
    found = probed.found
    if found.is_reachable and found.refusal is None:
        return await _page(request, done=f"{provider} answers, in {found.response_time_ms} ms.")
    said = found.refusal.message if found.refusal else f"it does not answer ({found.fault})"
    return await _page(request, complaint=f"{provider}: {said}")


async def _page(
    request: AnyRequest,
    *,
    done: str | None = None,
    complaint: str | None = None,
    status: int = 200,
) -> Response[str]:
    resources = resources_of(request)
    async with resources.get(Database).report() as connection:
        rows = await read_health(connection, history=_PAST)
    return resources.get(Pages).page(
        request,
        "health.html",
        status=status,
        part=part_of(rows, request.query_params),
        done=done,
        complaint=complaint,
    )
