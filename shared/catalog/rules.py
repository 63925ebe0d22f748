"""Rows of llm_routing_rules as an admin reads and changes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import class_row

from shared.catalog.rows import insert_row, update_row
from shared.db.connect import Connection


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
    return await insert_row(connection, "llm_routing_rules", fields)


async def update_rule(connection: Connection, rule_id: int, fields: Mapping[str, Any]) -> None:
    await update_row(connection, "llm_routing_rules", ("id", rule_id), fields)


async def delete_rule(connection: Connection, rule_id: int) -> bool:
    """False where there is none of this id."""
    cursor = await connection.execute("DELETE FROM llm_routing_rules WHERE id = %s", (rule_id,))
    return cursor.rowcount == 1
