"""Guards: every route declares one; what declares none is refused by a test.

`require_user`: a valid token, whatever its scopes. `require_scope(…)`: one that has that scope, or
no scopes at all. `require_admin`: the admin role, with the admin scope.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller, Role
from shared.auth.credential import credential_of
from shared.auth.scope import Scope
from shared.catalog.watch import SnapshotKeeper
from shared.db.audit import Actor
from shared.errors import NotAllowed
from shared.ledger.request_id import current_request_id
from shared.resources import Resources

Connection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def resources_of(connection: Connection) -> Resources:
    return connection.app.state.resources


async def require_user(connection: Connection, _: BaseRouteHandler) -> None:
    """Let anyone with a valid token in, and leave the Caller for the handler."""
    resources = resources_of(connection)
    keeper = resources.get(SnapshotKeeper)
    if keeper.is_stale:
        await keeper.catch_up()
    connection.state.caller = await resources.get(Authenticator).authenticate(
        credential_of(connection.scope["headers"])
    )


def require_scope(scope: Scope) -> Guard:
    """Let a valid token in that has `scope`, or is not limited to any."""

    async def require(connection: Connection, handler: BaseRouteHandler) -> None:
        await require_user(connection, handler)
        check_scope(caller_of(connection), scope)

    return require


async def require_admin(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a valid token of the admin role in."""
    await require_user(connection, handler)
    caller = caller_of(connection)
    if caller.role is not Role.ADMIN:
        raise NotAllowed("This needs a token of the admin role.", code="admin_required")
    check_scope(caller, Scope.ADMIN)


def check_scope(caller: Caller, scope: Scope) -> None:
    """Raises NotAllowed where the token is limited to other scopes."""
    if caller.scopes and scope not in caller.scopes:
        raise NotAllowed(
            f"This token lacks the scope '{scope}'; ask an admin for one that has it.",
            code="scope_not_allowed",
        )


def caller_of(connection: Connection) -> Caller:
    return connection.state.caller


async def open_to_all(_connection: Connection, _handler: BaseRouteHandler) -> None:
    """Declares that a route needs no token (the probes)."""


def actor_of(connection: Connection) -> Actor:
    """Who the audit trail names for a change that this request makes."""
    client = connection.client
    return Actor(
        caller_of(connection).user_id,
        address=client.host if client else None,
        request_id=current_request_id(),
    )
