"""The outbox of billing: who is to be told what, when next, and what could not be told.

An event is leased while it is sent: who dies then holds it back for LEASE_S, and it is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from shared.ledger.billing_event import BillingEvent

LEASE_S = 120
KEPT_DAYS = 90
"""An event that was told can be told again for so long (`switchyard billing replay`)."""

_TRIMMED_AT_ONCE = 10_000

_CLAIM = """
    WITH due AS (
        SELECT id FROM usage_outbox
        WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= now()
        ORDER BY next_attempt_at, id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE usage_outbox AS held
        SET send_attempts = held.send_attempts + 1,
            next_attempt_at = now() + make_interval(secs => %(lease_s)s)
        FROM due WHERE held.id = due.id
        RETURNING held.*
    )
    SELECT claimed.id AS outbox_id, claimed.request_id, claimed.adjustment_id,
        claimed.send_attempts,
        (log.request_id IS NULL AND budget.event_id IS NULL) AS is_gone,
        claimed.usage_created_at AS created_at,
        coalesce(adjusted.amount_usd, log.cost_total_usd, 0) AS amount_usd,
        coalesce(log.user_id, '') AS user_id, log.team_id, provider.provider_slug AS provider,
        coalesce(model.model_id, log.model_served) AS model, log.power_level, log.access_token_id,
        log.prompt_tokens, log.completion_tokens, log.total_tokens, log.cached_tokens,
        log.cache_write_tokens, log.reasoning_tokens, log.cost_quality,
        CASE WHEN claimed.adjustment_id IS NULL THEN log.price_version
            ELSE adjusted.price_version END AS price_version,
        CASE WHEN budget.event_id IS NOT NULL THEN jsonb_build_object(
            'scope', budget.scope, 'subject', budget.subject, 'kind', budget.kind,
            'period', budget.period, 'percent', budget.percent,
            'limit_id', budget.limit_id, 'limit_usd', trim_scale(budget.limit_usd)::text
        ) END AS budget
    FROM claimed
    LEFT JOIN llm_usage_logs AS log
        ON log.request_id = claimed.request_id AND log.created_at = claimed.usage_created_at
    LEFT JOIN usage_adjustments AS adjusted ON adjusted.id = claimed.adjustment_id
    LEFT JOIN budget_events AS budget ON budget.event_id = claimed.request_id
    LEFT JOIN llm_providers AS provider ON provider.id = log.provider_id
    LEFT JOIN llm_models AS model ON model.id = log.model_id
    ORDER BY claimed.id
"""


# Whoever sets a receiver later is not told of the budgets of last year.
_QUEUE_BUDGETS = """
    WITH queued AS (
        UPDATE budget_events SET queued_at = now()
        WHERE queued_at IS NULL AND created_at > now() - interval '1 day'
        RETURNING event_id, created_at
    )
    INSERT INTO usage_outbox (request_id, usage_created_at)
    SELECT event_id, created_at FROM queued ON CONFLICT DO NOTHING
"""


class Claimed(BillingEvent, frozen=True, kw_only=True):
    """`send_attempts` counts this one. `is_gone`: the row is no longer in the log."""

    send_attempts: int
    is_gone: bool


class Sent(NamedTuple):
    outbox_id: int
    lago_event_id: str | None


class Unsent(NamedTuple):
    """`wait` None gives the event up: it is a dead letter until it is replayed."""

    outbox_id: int
    error: str
    wait: timedelta | None


def queue_budgets(connection: psycopg.Connection[Any]) -> None:
    """Put what is new of budgets into the outbox; for who has a receiver. Raises psycopg.Error."""
    connection.execute(_QUEUE_BUDGETS)


def claim(connection: psycopg.Connection[Any], limit: int) -> list[Claimed]:
    """Up to `limit` events that are due, leased to the caller. Raises psycopg.Error."""
    with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        return cursor.execute(_CLAIM, {"limit": limit, "lease_s": LEASE_S}).fetchall()


def settle(
    connection: psycopg.Connection[Any], sent: Sequence[Sent], unsent: Sequence[Unsent]
) -> None:
    """Note what became of claimed events, and on the rows of those that were told that they are
    billed. Raises psycopg.Error; then their leases run out and they are sent again.
    """
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "WITH told AS ("
            " UPDATE usage_outbox SET sent_at = now(), last_error = NULL WHERE id = %s"
            " RETURNING request_id, usage_created_at, adjustment_id"
            ") UPDATE llm_usage_logs AS log SET billed_at = now(), lago_event_id = %s FROM told"
            " WHERE log.request_id = told.request_id AND log.created_at = told.usage_created_at"
            " AND told.adjustment_id IS NULL",
            sent,
        )
        cursor.executemany(
            "UPDATE usage_outbox SET last_error = %s,"
            " next_attempt_at = now() + coalesce(%s::interval, '0'),"
            " failed_at = CASE WHEN %s THEN now() END WHERE id = %s",
            [(one.error, one.wait, one.wait is None, one.outbox_id) for one in unsent],
        )


def replay(connection: psycopg.Connection[Any], request_ids: Sequence[str] | None) -> int:
    """Make dead letters due again: all, or every event of these requests, sent ones too.

    How many. Receivers know by the event's id what they have.
    """
    which = "failed_at IS NOT NULL" if request_ids is None else "request_id = ANY(%(ids)s)"
    query = (
        "UPDATE usage_outbox SET failed_at = NULL, sent_at = NULL, send_attempts = 0,"  # noqa: S608  one of two constants
        f" next_attempt_at = now() WHERE {which}"
    )
    return connection.execute(query.encode(), {"ids": request_ids}).rowcount


def trim_outbox(connection: psycopg.Connection[Any]) -> int:
    """Forget events that were told more than KEPT_DAYS ago, and those that in so long nobody was
    there to be told. How many. What was given up stays until it is replayed. Raises psycopg.Error.
    """
    trimmed = 0
    while True:
        some = connection.execute(
            "DELETE FROM usage_outbox WHERE id IN ("
            " SELECT id FROM usage_outbox WHERE failed_at IS NULL"
            " AND created_at < now() - make_interval(days => %(days)s)"
            " AND (sent_at < now() - make_interval(days => %(days)s)"
            " OR sent_at IS NULL AND send_attempts = 0)"
            " ORDER BY id LIMIT %(limit)s)",
            {"days": KEPT_DAYS, "limit": _TRIMMED_AT_ONCE},
        ).rowcount
        trimmed += some
        if some < _TRIMMED_AT_ONCE:
            return trimmed


class OutboxState(NamedTuple):
    waiting: int
    failed: int


def outbox_state(connection: psycopg.Connection[Any]) -> OutboxState:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM usage_outbox WHERE sent_at IS NULL AND failed_at IS NULL),"
        " (SELECT count(*) FROM usage_outbox WHERE failed_at IS NOT NULL)"
    ).fetchone()
    return OutboxState(*(row or (0, 0)))
