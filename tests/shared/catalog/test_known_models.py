"""The copy of the price catalog finds what genai-prices itself finds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
from genai_prices.data_snapshot import get_snapshot

from shared.catalog.genai_prices import every_known_model
from shared.catalog.known_models import copy_known_models
from shared.catalog.read import read_snapshot
from shared.db.connect import Database
from shared.routing.known_models import KnownModel, KnownModels
from shared.wire.providers import SEEDS

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SLUGS = list(SEEDS)
NAMES = (
    *("gpt-5-mini", "gpt-4o-2024-08-06", "o3-mini", "claude-sonnet-4-5", "claude-3-haiku-20240307"),
    *("gemini-2.5-pro", "gemini-2.5-pro-preview-tts", "gemini-2.5-flash-lite-preview-06-17"),
    *("llama-3.3-70b-versatile", "accounts/fireworks/models/deepseek-v3", "no-such-model"),
    *("openai/gpt-4o", "anthropic/claude-sonnet-4", "GPT-4o", "gemini-flash-latest"),
)


def known() -> KnownModels:
    return KnownModels(
        KnownModel(one.provider, tuple(one.names), one.pattern)
        for one in every_known_model(SLUGS, NOW)
    )


def test_a_provider_knows_exactly_the_models_that_genai_prices_knows_there() -> None:
    ours = known()
    theirs = {one.id: one for one in get_snapshot().providers}
    for slug in SLUGS:
        for name in NAMES:
            found = any(model.is_match(name) for model in theirs[slug].models)
            assert (ours.find(slug, name) is not None) is found, (slug, name)


def test_it_is_copied_once_a_release_and_read_again_only_where_it_has_changed(
    migrated_database_url: str,
) -> None:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        assert copy_known_models(connection, SLUGS, NOW) == 0, "migrate has done it"
        connection.execute("UPDATE known_models SET source = 'genai-prices 0.0.1'")
        assert copy_known_models(connection, SLUGS, NOW) > 500

    async def run() -> None:
        database = Database(migrated_database_url)
        await database.open()
        try:
            async with database.connection() as connection:
                snapshot = await read_snapshot(connection)
                found = snapshot.open_catalog.known.find("openai", "gpt-5-mini")
                assert found is not None
                assert found.price is not None
                again = await read_snapshot(connection, snapshot)
                assert again.open_catalog.known is snapshot.open_catalog.known
        finally:
            await database.close()

    asyncio.run(run())


def test_an_id_goes_upstream_as_its_provider_spells_it() -> None:
    ours = KnownModels(
        KnownModel(one.provider, tuple(one.names), one.pattern, ids=tuple(one.ids))
        for one in every_known_model(SLUGS, NOW)
    )
    for slug, asked, sent in (
        ("together", "deepseek-ai/deepseek-v4.1-flash", "deepseek-ai/DeepSeek-V4.1-Flash"),
        ("openai", "GPT-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("anthropic", "Claude-Sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
    ):
        found = ours.find(slug, asked)
        assert found is not None, asked
        assert found.id_of(asked) == sent


def test_what_a_family_of_names_begins_with_is_no_name() -> None:
    ids = [one for model in every_known_model(SLUGS, NOW) for one in model.ids]
    assert [one for one in ids if not one[-1].isalnum()] == []
    assert known().find("openai", "ft:gpt-3.5-turbo-0125:acme::1") is not None
