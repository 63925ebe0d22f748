"""The first page: what was spent and what is left, and the last requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from litestar import Response, get
from redis.exceptions import RedisError

from functions.console.browser import wants_html
from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import find_session
from functions.console.texts import count, usd
from functions.console.user.spend import grouped, name_of, spend_of
from shared.auth.caller import Caller
from shared.auth.guards import AnyRequest, check_scope, open_to_all, resources_of
from shared.auth.scope import Scope
from shared.auth.sessions import Session
from shared.db.connect import Database
from shared.errors import MissingToken, ServiceUnavailable
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import page_of
from shared.limits.book import Subjects
from shared.limits.limit import NANO_USD_PER_USD, Kind
from shared.limits.standing import Standing, Standings
from shared.log import get_logger
from shared.probes import INDEX
from shared.resources import Resources

_DAYS = 30
_LAST = 10
_KINDS = {
    Kind.REQUESTS: "requests a minute",
    Kind.TOKENS: "tokens a minute",
    Kind.CONCURRENT: "requests at once",
    Kind.DAY: "spent a day",
    Kind.MONTH: "spent a month",
}


@get("/", include_in_schema=False, guards=[open_to_all], exception_handlers=ERRORS)
async def show_home(request: AnyRequest) -> Response[Any]:
    """JSON for a client that only wants to know whether we are there; a browser gets the page."""
    if not wants_html(request):
        return Response(INDEX)
    session = await find_session(request)
    if session is None:
        raise MissingToken("Sign in to see this page.")
    check_scope(session.caller, Scope.USAGE)
    return await _home(request, session)


async def _home(request: AnyRequest, session: Session) -> Response[str]:
    resources = resources_of(request)
    database, own = resources.get(Database), UsageFilters(user_id=session.caller.user_id)
    spend = await spend_of(database, own, _DAYS)
    models, _ = await grouped(database, own, "model", _DAYS)
    rows, _ = await page_of(database, own, after=None, limit=_LAST)
    return resources.get(Pages).page(
        request,
        "home.html",
        spend=spend,
        today=_of_today(spend.days),
        models=[(name_of(row, "model"), row) for row in models[:8]],
        rows=rows,
        limits=await _limits(resources, session.caller),
    )


class OwnLimit(NamedTuple):
    """`share` is what is used of it, 0 to 1 and more; `used`, `left` and `limit` as text."""

    title: str
    used: str
    left: str
    limit: str
    share: float
    resets_at: datetime | None


async def _limits(resources: Resources, caller: Caller) -> list[OwnLimit] | None:
    """Those that hold for the caller; None where they cannot be read now."""
    who = Subjects(caller.token_id, caller.user_id, caller.team_id, caller.tier, None)
    try:
        standings = await resources.get(Standings).of(who)
    except (RedisError, ServiceUnavailable) as error:
        get_logger().warning("home.limits_not_read", error=type(error).__name__)
        return None
    return [limit_of(one) for one in standings]


def limit_of(one: Standing) -> OwnLimit:
    """As it is told: what open requests may yet use is not left. Pure."""

    def shown(amount: int) -> str:
        return usd(Decimal(amount) / NANO_USD_PER_USD) if one.kind.is_money else count(amount)

    whose = "Everybody" if one.scope == "all" else f"Your {one.scope.replace('_', ' ')}"
    if one.scope == "user":
        whose = "You"
    taken = one.used + one.reserved
    return OwnLimit(
        f"{whose}, {_KINDS[one.kind]}",
        shown(one.used),
        shown(max(0, one.limit - taken)),
        shown(one.limit),
        taken / one.limit if one.limit else 1.0,
        None if one.resets_at is None else datetime.fromtimestamp(one.resets_at, UTC),
    )


def _of_today(days: Sequence[Any]) -> Any:
    """The sums of today, None before its first request."""
    newest = days[0] if days else None
    return newest if newest is not None and newest["day"] == datetime.now(UTC).date() else None
