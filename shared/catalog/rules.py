"""Rows of llm_routing_rules and power_levels, for an admin: listed, made, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row

Connection = psycopg.AsyncConnection[Any]


class RuleRow(msgspec.Struct, frozen=True):
    """A rule as it is in the table, with the model it names. `user_tier` may be `all`."""

    id: int
    model: str
    provider: str
    power_level: str
    user_tier: str
    task_type: str | None
    priority: int
    weight: int
    min_tokens: int | None
    max_tokens: int | None
    requires_byok: bool
    is_fallback: bool
    fallback_order: int | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class LevelRow(msgspec.Struct, frozen=True):
    name: str
    rank: int
    price_ceiling_usd_per_mtok: Decimal
    ttft_target_ms: int
    may_change_level: bool
    default_max_tokens: int | None
    default_temperature: Decimal | None
    updated_at: datetime


class RulesModel(msgspec.Struct, frozen=True):
    """As much of a model as says whether a rule can ever choose it."""

    id: int
    provider: str
    model: str
    is_active: bool
    provider_is_active: bool
    is_byok_supported: bool
    context_window: int | None


_RULES = (
    "SELECT r.id, m.model_id AS model, p.provider_slug AS provider, r.power_level, r.user_tier,"
    " r.task_type, r.priority, r.weight, r.min_tokens, r.max_tokens, r.requires_byok,"
    " r.is_fallback, r.fallback_order, r.is_active, r.created_at, r.updated_at"
    " FROM llm_routing_rules r JOIN llm_models m ON m.id = r.model_id"
    " JOIN llm_providers p ON p.id = m.provider_id"
)
_LEVELS = (
    "SELECT name, rank, price_ceiling_usd_per_mtok, ttft_target_ms, may_change_level,"
    " default_max_tokens, default_temperature, updated_at FROM power_levels"
)


async def list_rules(connection: Connection) -> list[RuleRow]:
    """Every rule in the order it is tried: by level, priority, weight."""
    async with connection.cursor(row_factory=class_row(RuleRow)) as cursor:
        await cursor.execute(
            _RULES + " LEFT JOIN power_levels l ON l.name = r.power_level ORDER BY l.rank,"
            " r.power_level, r.is_fallback, r.fallback_order, r.priority DESC, r.weight DESC, r.id"
        )
        return await cursor.fetchall()


async def find_rule(connection: Connection, rule_id: int) -> RuleRow | None:
    async with connection.cursor(row_factory=class_row(RuleRow)) as cursor:
        await cursor.execute(_RULES + " WHERE r.id = %s", (rule_id,))
        return await cursor.fetchone()


async def find_rules_models(connection: Connection, name: str) -> list[RulesModel]:
    """The models of a name: a listed id, or `provider/model`."""
    async with connection.cursor(row_factory=class_row(RulesModel)) as cursor:
        await cursor.execute(
            "SELECT m.id, p.provider_slug AS provider, m.model_id AS model, m.is_active,"
            " p.is_active AS provider_is_active, p.is_byok_supported, m.context_window"
            " FROM llm_models m JOIN llm_providers p ON p.id = m.provider_id"
            " WHERE m.model_id = %(name)s OR p.provider_slug || '/' || m.model_id = %(name)s"
            " ORDER BY (m.model_id = %(name)s) DESC, p.id, m.id",
            {"name": name},
        )
        found = await cursor.fetchall()
    listed = [one for one in found if one.model == name]
    return listed or found


async def insert_rule(connection: Connection, fields: Mapping[str, Any]) -> int:
    """The new rule's id; `fields` are columns of the table."""
    return await _insert(connection, "llm_routing_rules", fields)


async def update_rule(connection: Connection, rule_id: int, fields: Mapping[str, Any]) -> None:
    await _update(connection, "llm_routing_rules", "id", rule_id, fields)


async def delete_rule(connection: Connection, rule_id: int) -> bool:
    """False where there is none of this id."""
    cursor = await connection.execute("DELETE FROM llm_routing_rules WHERE id = %s", (rule_id,))
    return cursor.rowcount == 1


async def list_levels(connection: Connection) -> list[LevelRow]:
    async with connection.cursor(row_factory=class_row(LevelRow)) as cursor:
        await cursor.execute(_LEVELS + " ORDER BY rank, name")
        return await cursor.fetchall()


async def insert_level(connection: Connection, fields: Mapping[str, Any]) -> None:
    await _insert(connection, "power_levels", fields, returning="rank")


async def update_level(connection: Connection, name: str, fields: Mapping[str, Any]) -> None:
    await _update(connection, "power_levels", "name", name, fields)


async def delete_level(connection: Connection, name: str) -> bool:
    """False where there is none of this name."""
    cursor = await connection.execute("DELETE FROM power_levels WHERE name = %s", (name,))
    return cursor.rowcount == 1


async def users_of_level(connection: Connection, name: str) -> tuple[int, int]:
    """How many rules and how many models name a level."""
    cursor = await connection.execute(
        "SELECT (SELECT count(*) FROM llm_routing_rules WHERE power_level = %(name)s),"
        " (SELECT count(*) FROM llm_models WHERE power_level = %(name)s)",
        {"name": name},
    )
    [(rules, models)] = await cursor.fetchall()
    return rules, models


async def _insert(
    connection: Connection, table: str, fields: Mapping[str, Any], returning: str = "id"
) -> int:
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, fields)),
        sql.SQL(", ").join(map(sql.Placeholder, fields)),
        sql.Identifier(returning),
    )
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, fields)
        [made] = await cursor.fetchall()
        return made


async def _update(
    connection: Connection, table: str, key: str, value: object, fields: Mapping[str, Any]
) -> None:
    if not fields:
        return
    changes = [sql.SQL("{} = {}").format(sql.Identifier(f), sql.Placeholder(f)) for f in fields]
    query = sql.SQL("UPDATE {} SET {}, updated_at = now() WHERE {} = {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(changes),
        sql.Identifier(key),
        sql.Placeholder("the_key"),
    )
    await connection.execute(query, {**fields, "the_key": value})
