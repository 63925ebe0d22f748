"""The first page: what was spent and what is left, and the last requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Response, get

from functions.console.browser import wants_html
from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import find_session
from functions.console.spend import grouped, name_of, spend_of
from shared.auth.guards import AnyRequest, check_scope, open_to_all, resources_of
from shared.auth.scope import Scope
from shared.auth.sessions import Session
from shared.db.connect import Database
from shared.errors import MissingToken
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import page_of
from shared.probes import INDEX

_DAYS = 30
_LAST = 10


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
    )


def _of_today(days: Sequence[Any]) -> Any:
    """The sums of today, None before its first request."""
    newest = days[0] if days else None
    return newest if newest is not None and newest["day"] == datetime.now(UTC).date() else None
