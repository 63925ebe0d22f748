"""What a fresh installation starts with, and what an admin has changed since."""

from __future__ import annotations

from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot

from shared.wire.providers import SEEDS
from tests.migrations.statements import lines_of, rows, run


def test_the_providers_have_the_names_that_the_deployment_guide_prints(
    migrated_database_url: str,
) -> None:
    listed = rows(
        migrated_database_url,
        "SELECT provider_name, health_status, is_active FROM llm_providers ORDER BY id",
    )
    assert listed == [(seed.name, "unknown", True) for seed in SEEDS.values()]
    printed = "Anthropic Fireworks Google Groq OpenAI OpenRouter Together"
    assert sorted(name for name, *_ in listed[:7]) == printed.split()


def test_every_seeded_model_is_one_that_its_provider_sells_and_has_not_withdrawn(
    migrated_database_url: str,
) -> None:
    models = rows(
        migrated_database_url,
        "SELECT provider_slug, model_id FROM llm_models"
        " JOIN llm_providers ON llm_providers.id = provider_id",
    )
    assert len({provider for provider, _ in models}) == 4
    for provider, model in models:
        _, known = get_snapshot().find_provider_model(model, None, provider, None)
        assert known.id == model
        assert not known.deprecated


def test_every_seeded_model_is_under_the_ceiling_of_its_level(migrated_database_url: str) -> None:
    priced = rows(
        migrated_database_url,
        "SELECT model_id, cost_per_1m_input_tokens, cost_per_1m_output_tokens,"
        " price_ceiling_usd_per_mtok FROM llm_models JOIN power_levels"
        " ON power_levels.name = power_level",
    )
    assert len(priced) == 4
    for model, of_input, of_output, ceiling in priced:
        assert (3 * of_input + of_output) / 4 <= ceiling, model


def test_the_power_levels_are_the_contract_of_the_design(migrated_database_url: str) -> None:
    assert rows(
        migrated_database_url,
        "SELECT name, price_ceiling_usd_per_mtok, fallback FROM power_levels ORDER BY rank",
    ) == [
        ("eco", Decimal("0.60"), "level"),
        ("balanced", Decimal(4), "level"),
        ("precision", Decimal(20), "level"),
    ]


def test_the_flat_price_columns_repeat_the_base_tier(migrated_database_url: str) -> None:
    for prices, *flat in rows(
        migrated_database_url,
        "SELECT prices, cost_per_1m_input_tokens, cost_per_1m_output_tokens,"
        " cost_per_1m_tokens_cached FROM llm_models JOIN model_prices"
        " ON model_prices.model_id = llm_models.id",
    ):
        base = prices["tiers"][0]
        told = [base[part] for part in ("input", "output", "cached")]
        assert [None if text is None else Decimal(text) for text in told] == flat


@pytest.mark.parametrize(
    ("edit", "query", "kept"),
    [
        pytest.param(
            "DELETE FROM llm_models WHERE id = 3",
            "SELECT count(*) FROM llm_models",
            3,
            id="a model that was deleted",
        ),
        pytest.param(
            "UPDATE power_levels SET price_ceiling_usd_per_mtok = 1 WHERE name = 'eco'",
            "SELECT price_ceiling_usd_per_mtok FROM power_levels WHERE name = 'eco'",
            1,
            id="a ceiling that was lowered",
        ),
        pytest.param(
            "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
            " VALUES (1, 2, now(), 'by hand', now(), '{}')",
            "SELECT max(version) FROM model_prices WHERE model_id = 1",
            2,
            id="a price that was set by hand",
        ),
    ],
)
def test_an_edit_outlives_the_next_migration(
    migrated_database_url: str, edit: str, query: str, kept: int
) -> None:
    run(migrated_database_url, edit)
    assert lines_of(migrated_database_url) == ["nothing to do: the database is up to date"]
    assert rows(migrated_database_url, query) == [(kept,)]


def test_what_an_admin_has_changed_is_not_seeded_over(migrated_database_url: str) -> None:
    run(migrated_database_url, "DELETE FROM llm_routing_rules WHERE power_level = 'eco'")
    run(migrated_database_url, "UPDATE llm_providers SET base_url = 'https://eu.example/v1'")
    lines_of(migrated_database_url)
    assert rows(migrated_database_url, "SELECT count(*) FROM llm_routing_rules") == [(2,)]
    assert rows(migrated_database_url, "SELECT DISTINCT base_url FROM llm_providers") == [
        ("https://eu.example/v1",)
    ]


def test_a_provider_added_after_the_seeds_gets_the_next_id(migrated_database_url: str) -> None:
    assert rows(
        migrated_database_url,
        "INSERT INTO llm_providers (provider_name, provider_slug, base_url)"
        " VALUES ('House', 'house', 'http://house.example/v1') RETURNING id",
    ) == [(len(SEEDS) + 1,)]


def test_a_tier_of_a_price_starts_one_token_above_where_the_source_says_above(
    migrated_database_url: str,
) -> None:
    [(prices, source, version)] = rows(
        migrated_database_url,
        "SELECT prices, source, version FROM model_prices JOIN llm_models"
        " ON llm_models.id = model_prices.model_id WHERE llm_models.model_id = 'gpt-6.1-terra'",
    )
    assert {"flex", "priority"} <= prices["service_tiers"].keys()
    assert {"tiers": prices["tiers"]} == {
        "tiers": [
            {
                "start_tokens": 0,
                "input": "1",
                "output": "5",
                "cached": "0.05",
                "cache_write": "1.25",
            },
            {
                "start_tokens": 272001,
                "input": "2",
                "output": "7.5",
                "cached": "0.1",
                "cache_write": "2.5",
            },
        ]
    }
    assert source.startswith("genai-prices ")
    assert version == 1
