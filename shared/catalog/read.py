"""Reads the tables of the catalog into the frozen snapshot that routing computes on.

A row that cannot be read is left out and logged by name: one bad edit must not stop the service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, dict_row

from shared.catalog.known_models import read_known_models
from shared.db.connect import Connection
from shared.log import get_logger
from shared.pricing.price import PICO_USD_PER_TOKEN, Price, parse_price
from shared.routing.aliases import Alias, Target
from shared.routing.deployment import Kind
from shared.routing.known_models import Facts, KnownModels
from shared.routing.offers import Offers
from shared.routing.snapshot import (
    Fallback,
    Health,
    Model,
    Opens,
    PowerLevel,
    Provider,
    Rule,
    Snapshot,
    Tier,
    build_snapshot,
)
from shared.wire.providers import SEEDS

_HEALTH = {health.value: health for health in Health}

T = TypeVar("T")
Row = Mapping[str, Any]


class ChangeCounters(msgspec.Struct, frozen=True):
    """Counters that triggers move when a table of their subject changes."""

    catalogue: int
    tokens: int
    keys: int
    limits: int


class _AliasTarget(msgspec.Struct, frozen=True):
    target: str
    weight: int = 1


async def read_versions(connection: psycopg.AsyncConnection[Any]) -> ChangeCounters:
    """The counters; all 0 where their row was deleted (the next change makes it again)."""
    async with connection.cursor(row_factory=class_row(ChangeCounters)) as cursor:
        await cursor.execute("SELECT catalogue, tokens, keys, limits FROM versions WHERE id = 1")
        return await cursor.fetchone() or ChangeCounters(0, 0, 0, 0)


async def read_snapshot(connection: Connection, held: Snapshot | None = None) -> Snapshot:
    """Everything as of one moment; of `held` what has not changed and is slow to read.

    Within a transaction: as that one sees it, with what it wrote. Raises psycopg.Error.
    """
    is_within = connection.info.transaction_status is not TransactionStatus.IDLE
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        if not is_within:
            await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        levels = await _rows(cursor, "SELECT * FROM power_levels ORDER BY rank")
        providers = await _rows(cursor, "SELECT * FROM llm_providers ORDER BY id")
        models = await _rows(cursor, "SELECT * FROM llm_models ORDER BY id")
        prices = await _rows(
            cursor,
            "SELECT DISTINCT ON (model_id) * FROM model_prices ORDER BY model_id, version DESC",
        )
        rules = await _rows(cursor, "SELECT * FROM llm_routing_rules WHERE is_active ORDER BY id")
        aliases = await _rows(cursor, "SELECT * FROM model_aliases WHERE is_active")
        known = held.open_catalog.known if held else KnownModels()
        known = await read_known_models(connection, known)
    return _build(levels, providers, models, prices, rules, aliases, known)


async def _rows(cursor: psycopg.AsyncCursor[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    await cursor.execute(query.encode())
    return await cursor.fetchall()


def _build(
    levels: Iterable[Row],
    providers: Sequence[Row],
    models: Iterable[Row],
    prices: Iterable[Row],
    rules: Iterable[Row],
    aliases: Iterable[Row],
    known: KnownModels,
) -> Snapshot:
    keyed = {row["provider_slug"] for row in providers if row["encrypted_system_key"] is not None}
    may_be_simulated = keyed.isdisjoint(SEEDS)

    def provider(row: Row) -> Provider:
        return _provider(row, may_be_simulated=may_be_simulated)

    provider_of = {one.id: one for one in _read("llm_providers", provider, providers)}
    price_row_of = {row["model_id"]: row for row in prices}

    offers = _offers(providers, known)

    def model(row: Row) -> Model:
        price_row = price_row_of.get(row["id"])
        provider = _named(provider_of, row["provider_id"], "provider")
        facts = known.facts_of(provider.slug, row["model_id"])
        is_gone = offers.lacks(provider.slug, row["model_id"])
        return _model(row, provider, price_row, facts, is_gone=is_gone)

    model_of = {one.id: one for one in _read("llm_models", model, models)}

    def rule(row: Row) -> Rule:
        return rule_of(row, _named(model_of, row["model_id"], "model"))

    return build_snapshot(
        providers=tuple(provider_of.values()),
        models=tuple(model_of.values()),
        rules=tuple(_read("llm_routing_rules", rule, rules)),
        levels=tuple(_read("power_levels", _power_level, levels)),
        aliases=_read("model_aliases", _alias, aliases),
        known=known,
        offers=offers,
    )


def _read(table: str, read: Callable[[Row], T], rows: Iterable[Row]) -> Iterable[T]:
    for row in rows:
        try:
            yield read(row)
        except (ValueError, ArithmeticError) as error:
            get_logger().warning(
                "catalogue.row_left_out",
                table=table,
                row=row.get("id", row.get("name")),
                reason=str(error),
            )


def _named(things: Mapping[int, T], thing_id: int, kind: str) -> T:
    thing = things.get(thing_id)
    if thing is None:
        raise ValueError(f"its {kind} {thing_id} was left out")
    return thing


def _power_level(row: Row) -> PowerLevel:
    temperature = row["default_temperature"]
    return PowerLevel(
        name=row["name"],
        rank=row["rank"],
        price_ceiling=int(row["price_ceiling_usd_per_mtok"] * PICO_USD_PER_TOKEN),
        fallback=Fallback(row["fallback"]),
        default_max_tokens=row["default_max_tokens"],
        default_temperature=None if temperature is None else float(temperature),
    )


def _provider(row: Row, *, may_be_simulated: bool) -> Provider:
    return Provider(
        id=row["id"],
        slug=row["provider_slug"],
        name=row["provider_name"],
        base_url=row["base_url"],
        dialect=row["dialect"],
        auth_type=row["auth_type"],
        litellm_prefix=row["litellm_prefix"],
        is_local=row["is_local"],
        is_active=row["is_active"],
        is_byok_supported=row["is_byok_supported"],
        min_tier=Tier(row["min_tier_required"]),
        health=_HEALTH.get(row["health_status"], Health.UNKNOWN),
        health_reason=row["health_reason"],
        health_last_checked=row["health_last_checked"],
        health_response_time_ms=row["health_response_time_ms"],
        sealed_system_key=row["encrypted_system_key"],
        opens=Opens(row["opens"]),
        may_be_simulated=may_be_simulated,
    )


def _offers(providers: Iterable[Row], known: KnownModels) -> Offers:
    """What providers list; a list without any model that is known is of something else."""
    lists: dict[str, tuple[Facts, ...]] = {}
    for row in providers:
        slug = row["provider_slug"]
        try:
            offered = msgspec.convert(row["offered_models"] or (), tuple[Facts, ...])
        except msgspec.ValidationError as error:
            get_logger().warning("catalogue.list_unreadable", provider=slug, reason=str(error))
            continue
        if any(known.find(slug, one.id) is not None for one in offered):
            lists[slug] = offered
    return Offers(lists)


def _model(
    row: Row,
    provider: Provider,
    price_row: Row | None,
    facts: Facts | None,
    *,
    is_gone: bool,
) -> Model:
    """Of `facts` what the row has no column for."""
    return Model(
        id=row["id"],
        provider=provider,
        model_id=row["model_id"],
        name=row["display_name"] or row["model_name"],
        description=row["description"],
        power_level=row["power_level"],
        power_level_priority=row["power_level_priority"],
        max_tokens=row["max_tokens"],
        context_window=row["context_window"],
        supports_streaming=row["supports_streaming"],
        supports_function_calling=row["supports_function_calling"],
        supports_vision=row["supports_vision"],
        supports_json_mode=row["supports_json_mode"],
        price=None if price_row is None else _price_or_none(row["model_id"], price_row),
        price_source=row["price_source"] if price_row is None else price_row["source"],
        price_checked_at=row["price_checked_at"] if price_row is None else price_row["checked_at"],
        is_active=row["is_active"],
        is_deprecated=row["is_deprecated"],
        min_tier=Tier(row["min_tier_required"]),
        created_at=row["created_at"],
        kind=Kind(row["kind"]),
        dimensions=row["dimensions"],
        takes_files=facts and facts.files,
        takes_audio=facts and facts.audio,
        is_gone=is_gone,
    )


def rule_of(row: Row, model: Model) -> Rule:
    """A rule by the columns of its row."""
    order = row["fallback_order"]
    if order is None:
        # A fallback without an order comes after those that have one.
        order = 2**31 - 1 if row["is_fallback"] else 0
    return Rule(
        id=row["id"],
        model=model,
        power_level=row["power_level"],
        tier=None if row["user_tier"] == "all" else Tier(row["user_tier"]),
        task_type=row["task_type"],
        priority=row["priority"],
        weight=row["weight"],
        min_tokens=row["min_tokens"],
        max_tokens=row["max_tokens"],
        requires_byok=row["requires_byok"],
        is_fallback=row["is_fallback"],
        fallback_order=order,
    )


def _alias(row: Row) -> Alias:
    targets = msgspec.convert(row["targets"], list[_AliasTarget])
    if not targets:
        raise ValueError("it has no target")
    return Alias(row["name"], tuple(Target(one.target, one.weight) for one in targets))


def _price_or_none(model_id: str, row: Row) -> Price | None:
    """An unreadable price makes the model unpriced: an older version would be a wrong bill."""
    try:
        return parse_price(row["version"], row["prices"])
    except ValueError as error:
        get_logger().warning(
            "catalogue.price_unreadable",
            model=model_id,
            version=row["version"],
            reason=str(error),
        )
        return None
