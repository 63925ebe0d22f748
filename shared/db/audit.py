"""The audit trail: each change of a key, token, provider, rule or limit, in its own transaction.

The table only grows (a trigger refuses everything else), and nothing secret goes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb


class Actor(msgspec.Struct, frozen=True):
    """Who changes something: a user id, or the name of a command. `address` is the client's."""

    name: str
    address: str | None = None
    request_id: str | None = None


_APPEND = (
    "INSERT INTO audit_events"
    " (actor, action, target_type, target_id, fingerprint, address, request_id, details)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


async def append_audit(
    connection: psycopg.AsyncConnection[Any],
    actor: Actor,
    action: str,
    target_type: str,
    target_id: str | int | None,
    *,
    fingerprint: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note what `actor` did, in the caller's transaction, which must hold the change itself.

    `action` is `noun.verb`, `target_type` the table's subject (`user_key`, `provider`, …).
    `details` are JSON and hold no secret.
    """
    await connection.execute(
        _APPEND, _row(actor, action, target_type, target_id, fingerprint, details)
    )


def append_audit_from_command(
    connection: psycopg.Connection[Any],
    actor: Actor,
    action: str,
    target_type: str,
    target_id: str | int | None,
    *,
    fingerprint: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """`append_audit` on a connection that is not asynchronous."""
    connection.execute(_APPEND, _row(actor, action, target_type, target_id, fingerprint, details))


def _row(
    actor: Actor,
    action: str,
    target_type: str,
    target_id: str | int | None,
    fingerprint: str | None,
    details: Mapping[str, Any] | None,
) -> tuple[Any, ...]:
    return (
        actor.name,
        action,
        target_type,
        None if target_id is None else str(target_id),
        fingerprint,
        actor.address,
        actor.request_id,
        None if details is None else Jsonb(dict(details)),
    )
