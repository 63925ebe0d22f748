"""The snapshot is what the tables say; a row that cannot be read takes nothing down with it."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs

from shared.catalog.read import ChangeCounters, read_snapshot, read_versions
from shared.db.session import SESSION
from shared.pricing.price import PriceTier, Rates
from shared.routing.snapshot import Fallback, Health, Snapshot, Tier
from shared.wire.providers import SEEDS


def edit(dsn: str, statement: str, *values: Any) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement.encode(), values)


def snapshot_of(dsn: str) -> Snapshot:
    async def ask() -> Snapshot:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await read_snapshot(connection)

    return asyncio.run(ask())


def versions_of(dsn: str) -> ChangeCounters:
    async def ask() -> ChangeCounters:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await read_versions(connection)

    return asyncio.run(ask())


def price(dsn: str, prices: object) -> None:
    """Add a version to the price of model 2."""
    edit(
        dsn,
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " SELECT 2, max(version) + 1, now(), 'by hand', now(), %s FROM model_prices"
        " WHERE model_id = 2",
        Jsonb(prices),
    )


def test_a_fresh_installation_reads_as_seeded(migrated_database_url: str) -> None:
    snapshot = snapshot_of(migrated_database_url)
    assert [one.name for one in snapshot.providers] == [seed.name for seed in SEEDS.values()]
    assert len({one.provider.slug for one in snapshot.models}) == len(snapshot.models) == 4
    assert all(one.price is not None for one in snapshot.models)
    assert [(one.name, one.price_ceiling) for one in snapshot.levels] == [
        ("eco", 600_000),
        ("balanced", 4_000_000),
        ("precision", 20_000_000),
    ]
    assert {one.fallback for one in snapshot.levels} == {Fallback.LEVEL}
    rules = [(one.power_level, one.tier, one.model.provider.slug) for one in snapshot.rules]
    assert rules == [
        ("eco", Tier.FREE, "groq"),
        ("balanced", Tier.PROFESSIONAL, "openai"),
        ("precision", Tier.PROFESSIONAL, "anthropic"),
    ]
    assert {one.health for one in snapshot.providers} == {Health.UNKNOWN}


def test_the_newest_price_version_is_read_exactly(migrated_database_url: str) -> None:
    price(
        migrated_database_url,
        {
            "tiers": [
                {"start_tokens": 0, "input": "0.075", "output": "0.30", "cached": "0.000001"},
                {"start_tokens": 200_001, "input": "999999999", "output": "2.5000000000"},
            ]
        },
    )
    model = snapshot_of(migrated_database_url).models[1]
    assert model.price is not None
    assert model.price.version == 2
    assert model.price_source == "by hand"
    assert model.price.tiers == (
        PriceTier(0, Rates(input=75_000, output=300_000, cached=1)),
        PriceTier(200_001, Rates(input=999_999_999_000_000, output=2_500_000)),
    )


def test_parts_and_service_tiers_are_read_exactly_however_fine(
    migrated_database_url: str,
) -> None:
    price(
        migrated_database_url,
        {
            "tiers": [tier(cache_write="0.08333333333333334", cache_write_1h="0.1000000")],
            "service_tiers": {"flex": {"tiers": [tier(input="0.5", reasoning="3")]}},
        },
    )
    model = snapshot_of(migrated_database_url).models[1]
    assert model.price is not None
    [base] = model.price.tiers
    assert base.rates.cache_write == Fraction(8_333_333_333_333_334, 10**11)
    assert base.rates.cache_write_1h == 100_000
    assert model.price.service_tiers == (
        ("flex", (PriceTier(0, Rates(input=500_000, output=2_000_000, reasoning=3_000_000)),)),
    )


def tier(**changes: object) -> dict[str, object]:
    return {"start_tokens": 0, "input": "1", "output": "2", **changes}


@pytest.mark.parametrize(
    "prices",
    [
        pytest.param({}, id="no tiers"),
        pytest.param({"tiers": []}, id="an empty list of tiers"),
        pytest.param({"tiers": [tier(input="0.0000001")]}, id="less than a pico-dollar a token"),
        pytest.param({"tiers": [tier(input="-1")]}, id="a negative price"),
        pytest.param({"tiers": [tier(input="1e3")]}, id="an exponent"),
        pytest.param({"tiers": [tier(input="NaN")]}, id="not a number"),
        pytest.param({"tiers": [tier(input="1\n")]}, id="a newline after it"),
        pytest.param({"tiers": [tier(input=1.1)]}, id="a binary float"),
        pytest.param({"tiers": [tier(start_tokens=5)]}, id="no tier from 0"),
        pytest.param({"tiers": [tier(), tier()]}, id="two tiers from one start"),
        pytest.param({"tiers": [tier(per_image="1")]}, id="a part that this release cannot bill"),
        pytest.param("0.10", id="no object"),
    ],
)
def test_a_price_that_cannot_be_read_makes_its_model_unpriced_and_is_logged(
    migrated_database_url: str, prices: object
) -> None:
    price(migrated_database_url, prices)
    with capture_logs() as logs:
        snapshot = snapshot_of(migrated_database_url)
    assert [one.price is None for one in snapshot.models] == [False, True, False, False]
    [line] = logs
    assert line["event"] == "catalogue.price_unreadable"
    assert (line["model"], line["version"]) == (snapshot.models[1].model_id, 2)


@pytest.mark.parametrize(
    ("statement", "table", "row", "left"),
    [
        pytest.param(
            "UPDATE llm_models SET min_tier_required = 'gold' WHERE id = 3",
            "llm_models",
            3,
            (len(SEEDS), 3, 3, 3),
            id="a model of an unknown tier",
        ),
        pytest.param(
            "UPDATE llm_routing_rules SET user_tier = 'gold' WHERE power_level = 'eco'",
            "llm_routing_rules",
            1,
            (len(SEEDS), 4, 2, 3),
            id="a rule of an unknown tier",
        ),
        pytest.param(
            "UPDATE llm_providers SET min_tier_required = '' WHERE provider_slug = 'together'",
            "llm_providers",
            6,
            (len(SEEDS) - 1, 4, 3, 3),
            id="a provider of an unknown tier",
        ),
        pytest.param(
            "UPDATE power_levels SET price_ceiling_usd_per_mtok = 'NaN' WHERE name = 'eco'",
            "power_levels",
            "eco",
            (len(SEEDS), 4, 3, 2),
            id="a power level whose ceiling is no number",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_by_name_and_the_rest_is_served(
    migrated_database_url: str, statement: str, table: str, row: object, left: tuple[int, ...]
) -> None:
    edit(migrated_database_url, statement)
    with capture_logs() as logs:
        snapshot = snapshot_of(migrated_database_url)
    counted = (snapshot.providers, snapshot.models, snapshot.rules, snapshot.levels)
    assert tuple(map(len, counted)) == left
    [line] = logs
    assert (line["event"], line["table"], line["row"]) == ("catalogue.row_left_out", table, row)


def test_what_hangs_on_a_provider_that_was_left_out_is_left_out_too(
    migrated_database_url: str,
) -> None:
    edit(
        migrated_database_url,
        "UPDATE llm_providers SET min_tier_required = 'gold' WHERE provider_slug = 'groq'",
    )
    with capture_logs() as logs:
        snapshot = snapshot_of(migrated_database_url)
    assert "groq" not in {one.provider.slug for one in snapshot.models}
    assert "eco" not in snapshot.rules_by_level
    assert [line["table"] for line in logs] == ["llm_providers", "llm_models", "llm_routing_rules"]


def test_inactive_providers_and_models_are_in_it_and_inactive_rules_are_not(
    migrated_database_url: str,
) -> None:
    for table in ("llm_providers", "llm_models", "llm_routing_rules"):
        edit(migrated_database_url, f"UPDATE {table} SET is_active = false")
    snapshot = snapshot_of(migrated_database_url)
    assert (len(snapshot.providers), len(snapshot.models), snapshot.rules) == (len(SEEDS), 4, ())
    assert not any(one.is_active for one in snapshot.models)


def test_a_fallback_without_an_order_comes_after_those_with_one(
    migrated_database_url: str,
) -> None:
    edit(
        migrated_database_url,
        "INSERT INTO llm_routing_rules (model_id, power_level, is_fallback, fallback_order)"
        " VALUES (1, 'precision', true, NULL), (2, 'precision', true, 7)",
    )
    rules = snapshot_of(migrated_database_url).rules_by_level["precision"]
    assert [one.model.id for one in rules] == [4, 2, 1]
    assert [one.tier for one in rules] == [Tier.PROFESSIONAL, None, None]


def test_a_health_status_of_another_system_is_unknown(migrated_database_url: str) -> None:
    edit(migrated_database_url, "UPDATE llm_providers SET health_status = 'operational'")
    assert {one.health for one in snapshot_of(migrated_database_url).providers} == {Health.UNKNOWN}


def test_a_column_added_while_serving_breaks_no_connection(migrated_database_url: str) -> None:
    async def scene() -> None:
        connected = psycopg.AsyncConnection.connect(migrated_database_url, **SESSION)
        async with await connected as connection:
            for _ in range(8):  # psycopg would prepare what it has seen five times
                await read_snapshot(connection)
            edit(migrated_database_url, "ALTER TABLE llm_models ADD COLUMN later text")
            assert len((await read_snapshot(connection)).models) == 4

    asyncio.run(scene())


def test_versions_are_read_and_are_zero_where_their_row_was_deleted(
    migrated_database_url: str,
) -> None:
    before = versions_of(migrated_database_url)
    edit(migrated_database_url, "UPDATE llm_models SET is_active = false WHERE id = 1")
    after = versions_of(migrated_database_url)
    assert after.catalogue == before.catalogue + 1
    assert (after.tokens, after.keys, after.limits) == (before.tokens, before.keys, before.limits)
    edit(migrated_database_url, "DELETE FROM versions")
    assert versions_of(migrated_database_url) == ChangeCounters(0, 0, 0, 0)
