"""What a fresh installation starts with, inserted only into empty tables.

Prices and context windows come from the genai-prices package at that time. Seeding never overwrites
what an admin or an older system has stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from shared.catalog.genai_prices import PricedModel, known_model
from shared.catalog.known_models import copy_known_models
from shared.wire.providers import SEEDS


@dataclass(frozen=True)
class ModelSeed:
    provider_slug: str
    model_id: str
    power_level: str
    priority: int
    min_tier: str
    supports_vision: bool
    supports_json_mode: bool


MODELS = (
    ModelSeed("groq", "openai/gpt-oss-20b", "eco", 100, "free", False, True),
    ModelSeed("openai", "gpt-6.1-terra", "balanced", 100, "professional", True, True),
    ModelSeed("google", "gemini-3.8-flash", "balanced", 50, "professional", True, True),
    ModelSeed("anthropic", "claude-opus-5-5", "precision", 100, "professional", True, False),
)

# Name, rank, price ceiling in USD per million tokens, TTFT target in ms.
POWER_LEVELS = (
    ("eco", 1, Decimal("0.60"), 1500),
    ("balanced", 2, Decimal(4), 2500),
    ("precision", 3, Decimal(20), 6000),
)
_UNVERSIONED: LiteralString = (
    "FROM llm_models WHERE cost_per_1m_input_tokens IS NOT NULL"
    " AND cost_per_1m_output_tokens IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM model_prices WHERE model_id = llm_models.id)"
)
_RULE_TIERS = (("eco", "free"), ("balanced", "professional"), ("precision", "professional"))


def seed(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Seed every table that is empty, in one transaction."""
    now = datetime.now(UTC)
    with connection.transaction():
        if _is_empty(connection, b"power_levels"):
            report(f"{_seed_power_levels(connection)} power levels seeded")
        if _is_empty(connection, b"llm_providers"):
            report(f"{_seed_providers(connection)} providers seeded")
        if _is_empty(connection, b"llm_models") and (models := _seed_models(connection, now)):
            report(f"{models} models seeded")
        if _is_empty(connection, b"llm_routing_rules") and (rules := _seed_rules(connection)):
            report(f"{rules} routing rules seeded")
        if known := copy_known_models(connection, list(SEEDS), now):
            report(f"{known} models copied from the price catalog, for names that are not listed")
        if prices := _price_from_columns(connection, now):
            report(f"{prices} prices copied from llm_models")


def _is_empty(connection: psycopg.Connection[Any], table: bytes) -> bool:
    return connection.execute(b"SELECT 1 FROM " + table + b" LIMIT 1").fetchone() is None


def _seed_power_levels(connection: psycopg.Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO power_levels"
            " (name, rank, price_ceiling_usd_per_mtok, ttft_target_ms) VALUES (%s, %s, %s, %s)",
            POWER_LEVELS,
        )
    return len(POWER_LEVELS)


def _seed_providers(connection: psycopg.Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO llm_providers (id, provider_name, provider_slug, display_name, base_url,"
            " dialect, auth_type, litellm_prefix, supports_vision, api_key_format,"
            " documentation_url, pricing_url, status_page_url, is_system_provider)"
            " VALUES (%(id)s, %(name)s, %(slug)s, %(name)s, %(base_url)s, %(dialect)s,"
            " %(auth_type)s, %(litellm_prefix)s, %(supports_vision)s, %(api_key_format)s,"
            " %(documentation_url)s, %(pricing_url)s, %(status_page_url)s, true)",
            [{"slug": slug, **msgspec.structs.asdict(seed)} for slug, seed in SEEDS.items()],
        )
    _continue_ids(connection, "llm_providers")
    return len(SEEDS)


def _seed_models(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Seed models only for providers that exist: an older system may have others."""
    providers = dict(connection.execute("SELECT provider_slug, id FROM llm_providers").fetchall())
    chosen = [
        (row_id, model, providers[model.provider_slug])
        for row_id, model in enumerate(MODELS, start=1)
        if model.provider_slug in providers
    ]
    for row_id, model, provider_id in chosen:
        known = known_model(model.provider_slug, model.model_id, now)
        _insert_model(connection, row_id, provider_id, model, known, now)
    if chosen:
        _continue_ids(connection, "llm_models")
    return len(chosen)


def _insert_model(
    connection: psycopg.Connection[Any],
    row_id: int,
    provider_id: int,
    model: ModelSeed,
    known: PricedModel,
    now: datetime,
) -> None:
    base = known.tiers[0]
    connection.execute(
        "INSERT INTO llm_models (id, provider_id, model_name, model_id, display_name, description,"
        " context_window, supports_function_calling, supports_vision, supports_json_mode,"
        " cost_per_1m_input_tokens, cost_per_1m_output_tokens, cost_per_1m_tokens_cached,"
        " cost_per_1m_tokens_cache_write, price_source, price_checked_at, power_level,"
        " power_level_priority, min_tier_required)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, true, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            row_id,
            provider_id,
            known.name,
            model.model_id,
            known.name,
            known.description,
            known.context_window,
            model.supports_vision,
            model.supports_json_mode,
            base["input"],
            base["output"],
            base["cached"],
            base["cache_write"],
            known.source,
            now,
            model.power_level,
            model.priority,
            model.min_tier,
        ),
    )
    connection.execute(
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " VALUES (%s, 1, %s, %s, %s, %s) ON CONFLICT (model_id, version) DO NOTHING",
        (row_id, now, known.source, now, Jsonb(known.prices)),
    )


def _seed_rules(connection: psycopg.Connection[Any]) -> int:
    """One rule per level, for the level's first model; none for a level without models."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO llm_routing_rules (model_id, power_level, user_tier, priority, weight)"
            " SELECT id, power_level, %s, 100, 100 FROM llm_models"
            " WHERE power_level = %s AND is_active AND NOT is_deprecated"
            " ORDER BY power_level_priority DESC, id LIMIT 1",
            [(tier, level) for level, tier in _RULE_TIERS],
        )
        return max(cursor.rowcount, 0)


def _price_from_columns(connection: psycopg.Connection[Any], now: datetime) -> int:
    """A first price version for models that an older system priced in llm_models alone."""
    if connection.execute("SELECT 1 " + _UNVERSIONED + " LIMIT 1").fetchone() is None:
        return 0  # even an INSERT of no rows would bump the catalog's version
    return connection.execute(
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " SELECT id, 1, created_at, coalesce(price_source, 'llm_models'),"
        " coalesce(price_checked_at, %(now)s),"
        " jsonb_build_object('tiers', jsonb_build_array(jsonb_build_object('start_tokens', 0,"
        " 'input', trim_scale(cost_per_1m_input_tokens)::text,"
        " 'output', trim_scale(cost_per_1m_output_tokens)::text,"
        " 'cached', trim_scale(cost_per_1m_tokens_cached)::text,"
        " 'cache_write', trim_scale(cost_per_1m_tokens_cache_write)::text))) " + _UNVERSIONED,
        {"now": now},
    ).rowcount


def _continue_ids(connection: psycopg.Connection[Any], table: str) -> None:
    """Make the table's identity continue after the ids that were set here, never before where it is
    already: usage names ids of rows that are gone (remake.py).
    """
    connection.execute(
        sql.SQL(
            "SELECT setval(sequence, greatest(pg_sequence_last_value(sequence),"
            " (SELECT max(id) FROM {})))"
            " FROM (SELECT pg_get_serial_sequence({}, 'id')::regclass AS sequence) AS identity"
        ).format(sql.Identifier(table), table)
    )
