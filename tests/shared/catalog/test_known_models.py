"""The copy of the price catalog finds what genai-prices itself finds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
from genai_prices.data_snapshot import get_snapshot

from shared.catalog.genai_prices import every_known_model
from shared.catalog.known_models import KnownModelsKeeper, copy_known_models
from shared.db.connect import Database
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Tier
from shared.wire.providers import SEEDS
from tests.shared.routing import catalog

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


def test_it_is_copied_once_a_release_and_read_when_an_unlisted_name_needs_it(
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
            keeper = KnownModelsKeeper(database)
            snapshot = catalog.snapshot()
            listed = RoutingRequest(("auto", "eco", "gpt-6.1-terra"), None, Tier.FREE, frozenset())
            assert await keeper.wanted(snapshot, listed) is None
            unlisted = RoutingRequest(
                ("gpt-5-mini",), None, Tier.FREE, frozenset(), own_keys=(OwnKey(1, "openai"),)
            )
            models = await keeper.wanted(snapshot, unlisted)
            assert models is not None
            found = models.find("openai", "gpt-5-mini")
            assert found is not None
            assert found.price is not None
        finally:
            await database.close()

    asyncio.run(run())
