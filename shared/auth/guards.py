"""Guards: every route declares one; what declares none is refused by a test."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller, Role
from shared.db.audit import Actor
from shared.errors import NotAllowed
from shared.resources import Resources
from shared.usage.request_id import current_request_id

Connection = ASGIConnection[Any, Any, Any, Any]


def resources_of(connection: Connection) -> Resources:
    return connection.app.state.resources


async def require_user(connection: Connection, _: BaseRouteHandler) -> None:
    """Let anyone with a valid token in, and leave the Caller for the handler."""
    authorization = connection.headers.get("authorization")
    authenticator = resources_of(connection).get(Authenticator)
    connection.state.caller = await authenticator.authenticate(
        authorization.encode("latin-1") if authorization else None
    )


async def require_admin(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a valid token of the admin role in."""
    await require_user(connection, handler)
    if caller_of(connection).role is not Role.ADMIN:
        raise NotAllowed("This needs a token of the admin role.", code="admin_required")


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
