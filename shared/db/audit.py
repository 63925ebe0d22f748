"""The audit trail: each change of a key, token, provider, rule or limit, in its own transaction.

The table only grows (a trigger refuses everything else), and nothing secret goes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb


class Action(StrEnum):
    """What was done: one noun a subject, and a verb in the past.

    Rows of older releases have other verbs (functions/audit/README.md).
    """

    TOKEN_CREATED = "token.created"  # noqa: S105  a verb
    TOKEN_CHANGED = "token.changed"  # noqa: S105  a verb
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  a verb
    TOKEN_ROTATED = "token.rotated"  # noqa: S105  a verb
    USER_BLOCKED = "user.blocked"
    USER_UNBLOCKED = "user.unblocked"
    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_DELETED = "team.deleted"
    TEAM_MEMBER_CHANGED = "team_member.changed"
    TEAM_MEMBER_REMOVED = "team_member.removed"
    USER_KEY_STORED = "user_key.stored"
    USER_KEY_REPLACED = "user_key.replaced"
    USER_KEY_CHANGED = "user_key.changed"
    USER_KEY_DELETED = "user_key.deleted"
    USER_KEY_TESTED = "user_key.tested"
    USER_KEY_FAILED = "user_key.failed"
    USER_KEY_NOT_OPENED = "user_key.not_opened"
    SYSTEM_KEY_STORED = "system_key.stored"
    SYSTEM_KEY_DELETED = "system_key.deleted"
    SYSTEM_KEY_TESTED = "system_key.tested"
    KEYS_RESEALED = "keys.resealed"
    MODEL_CREATED = "model.created"
    MODEL_CHANGED = "model.changed"
    MODEL_DELETED = "model.deleted"
    PROVIDER_CREATED = "provider.created"
    PROVIDER_CHANGED = "provider.changed"
    PROVIDER_DELETED = "provider.deleted"
    ROUTING_RULE_CREATED = "routing_rule.created"
    ROUTING_RULE_CHANGED = "routing_rule.changed"
    ROUTING_RULE_DELETED = "routing_rule.deleted"
    POWER_LEVEL_CREATED = "power_level.created"
    POWER_LEVEL_CHANGED = "power_level.changed"
    POWER_LEVEL_DELETED = "power_level.deleted"
    ALIAS_CREATED = "alias.created"
    ALIAS_CHANGED = "alias.changed"
    ALIAS_DELETED = "alias.deleted"
    LIMIT_CREATED = "limit.created"
    LIMIT_CHANGED = "limit.changed"
    LIMIT_DELETED = "limit.deleted"
    CATALOG_SYNCED = "catalog.synced"
    USAGE_REPRICED = "usage.repriced"
    HEALTH_CHECK_REQUESTED = "health_check.requested"


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
    action: Action,
    target_type: str,
    target_id: str | int | None,
    *,
    fingerprint: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note what `actor` did, in the caller's transaction, which must hold the change itself.

    `target_type` is the table's subject (`user_key`, `provider`, …); `details` are JSON and hold
    no secret.
    """
    await connection.execute(
        _APPEND, _row(actor, action, target_type, target_id, fingerprint, details)
    )


def append_audit_from_command(
    connection: psycopg.Connection[Any],
    actor: Actor,
    action: Action,
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
    action: Action,
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
