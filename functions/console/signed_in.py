"""Guards of the console's routes: a session by its cookie, and for each change a form of ours."""

from __future__ import annotations

from typing import Any, Final, cast

from litestar.handlers.base import BaseRouteHandler

from functions.console.browser import check_origin
from functions.console.error_pages import ERRORS
from functions.console.forms import check_csrf
from functions.console.pages import Pages
from shared.auth.caller import Caller, Role
from shared.auth.guards import (
    AnyRequest,
    Connection,
    Guard,
    check_scope,
    require_user,
    resources_of,
)
from shared.auth.scope import Scope
from shared.auth.sessions import Session, Sessions
from shared.errors import MissingToken, NotAllowed

COOKIE = "__Host-switchyard"
_READS = ("GET", "HEAD")


class SignInNeeded(MissingToken):
    code = "sign_in_needed"


def session_of(connection: Connection) -> Session:
    return connection.state.session


async def find_session(connection: Connection) -> Session | None:
    """Who is signed in, if anybody is; the page then knows it too."""
    cookie = connection.cookies.get(COOKIE)
    session = await resources_of(connection).get(Sessions).find(cookie) if cookie else None
    connection.state.session = session
    if session is not None:
        connection.state.caller = session.caller
    return session


def signed_in(scope: Scope | None = None) -> Guard:
    """Let in who is signed in, with a token that has `scope` or is not limited to any."""

    async def require(connection: Connection, _: BaseRouteHandler) -> None:
        await _check(connection, scope)

    return require


async def signed_in_admin(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in who is signed in with a token of the admin role."""
    caller = await _check(connection, None)
    if caller.role is not Role.ADMIN:
        raise NotAllowed(
            "This page is for admins; sign in with a token of the admin role.",
            code="admin_required",
        )
    check_scope(caller, Scope.ADMIN)


async def may_read_status(connection: Connection, handler: BaseRouteHandler) -> None:
    """Anyone where PUBLIC_STATUS says so; else who is signed in or has a token."""
    is_public = resources_of(connection).get(Pages).settings.public_status
    # A page that everybody may see says who is signed in all the same.
    if await find_session(connection) is None and not is_public:
        await require_user(connection, handler)


async def from_our_page(connection: Connection, _: BaseRouteHandler) -> None:
    """For the sign-in form, before which there is no session."""
    check_origin(connection, resources_of(connection).get(Pages).settings.public_url)


async def _check(connection: Connection, scope: Scope | None) -> Caller:
    session = await find_session(connection)
    if session is None:
        raise SignInNeeded("Sign in to see this page.")
    request = cast(AnyRequest, connection)
    if request.method not in _READS:
        check_origin(request, resources_of(request).get(Pages).settings.public_url)
        await check_csrf(request, session.csrf)
    if scope is not None:
        check_scope(session.caller, scope)
    return session.caller


ADMINS_PAGE: Final[Any] = {
    "guards": [signed_in_admin],
    "exception_handlers": ERRORS,
    "include_in_schema": False,
}
"""What the route of each page for admins has."""
