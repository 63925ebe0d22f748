"""Triggers: settings that change move a counter in `versions`; the audit trail only grows.

Whatever edits a table, psql included, is seen by every process within a poll. Counters that are
written while serving (`_COUNTERS`) move nothing, or each request would reload every process.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
from psycopg import sql

from shared.db.tables.every import metadata

_TOPICS = {
    "llm_providers": "catalogue",
    "llm_models": "catalogue",
    "llm_routing_rules": "catalogue",
    "power_levels": "catalogue",
    "model_prices": "catalogue",
    "model_aliases": "catalogue",
    "known_models": "catalogue",
    "access_tokens": "tokens",
    "user_api_keys": "keys",
    "limits": "limits",
    "users": "tokens",
    "teams": "tokens",
    "team_members": "tokens",
}
_COUNTERS = frozenset(
    {
        "avg_latency_ms",
        "avg_tokens_per_second",
        "created_at",
        "last_used_at",
        "total_cost_usd",
        "total_requests",
        "total_tokens",
        "updated_at",
    }
)

# An upsert, so that a `versions` emptied by hand does not freeze every process on old settings.
_BUMP = """
CREATE OR REPLACE FUNCTION switchyard_bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %1$I.versions AS held (id, %2$I) VALUES (1, 2)
         ON CONFLICT (id) DO UPDATE SET %2$I = held.%2$I + 1',
        TG_TABLE_SCHEMA, TG_ARGV[0]);
    RETURN NULL;
END $$
"""
_REFUSE = """
CREATE OR REPLACE FUNCTION switchyard_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""


def install_triggers(connection: psycopg.Connection[Any]) -> int:
    """Make the triggers that are missing or differ; how many those were.

    A digest of each definition is kept as its comment, so that a second run locks no table.
    """
    wanted = {**{table: _bump_trigger(table) for table in _TOPICS}, "audit_events": _APPEND_ONLY}
    held = dict(
        connection.execute(
            "SELECT tgrelid::regclass::text, obj_description(oid, 'pg_trigger')"
            " FROM pg_trigger WHERE tgname = 'switchyard_watch'"
        ).fetchall()
    )
    digests = {table: _digest(_BUMP, _REFUSE, text) for table, text in wanted.items()}
    stale = [table for table in wanted if held.get(table) != digests[table]]
    if not stale:
        return 0
    with connection.transaction():
        connection.execute(_BUMP)
        connection.execute(_REFUSE)
        for table in stale:
            connection.execute(wanted[table].encode())
            connection.execute(
                sql.SQL("COMMENT ON TRIGGER switchyard_watch ON {} IS {}").format(
                    sql.Identifier(table), digests[table]
                )
            )
    return len(stale)


def _bump_trigger(table: str) -> str:
    columns = sorted(
        column.name for column in metadata.tables[table].columns if column.name not in _COUNTERS
    )
    return (
        f"CREATE OR REPLACE TRIGGER switchyard_watch"
        f" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF {', '.join(columns)} ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION switchyard_bump_version('{_TOPICS[table]}')"
    )


_APPEND_ONLY = (
    "CREATE OR REPLACE TRIGGER switchyard_watch BEFORE UPDATE OR DELETE OR TRUNCATE"
    " ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION switchyard_refuse_change()"
)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
