"""A check that is answered with the provider's models writes what they are."""

from __future__ import annotations

import asyncio

import psycopg

from shared.catalog.read import read_snapshot
from shared.db.connect import connect_once
from shared.routing.snapshot import Snapshot
from tests.functions.check_health.health_run import Health


def snapshot(health: Health) -> Snapshot:
    async def read() -> Snapshot:
        async with connect_once(health.database_url) as connection:
            return await read_snapshot(connection)

    return asyncio.run(read())


def test_what_the_platforms_key_is_shown_is_kept_and_marks_what_is_not_in_it(
    health: Health,
) -> None:
    health.check()
    offered = health.of("openai")["offered_models"]
    assert [one["id"] for one in offered] == ["simulated-large", "simulated-small"]
    assert health.of("openrouter")["offered_models"] is None, "it is asked of its key, not for this"
    with psycopg.connect(health.database_url, autocommit=True) as connection:
        models = '[{"id": "gpt-6.1-terra"}]'
        connection.execute("UPDATE llm_providers SET offered_models = %s", [models])
    held = snapshot(health)
    openai = held.providers_by_slug["openai"]
    terra, gone = held.models_by_id["gpt-6.1-terra"][0], held.open_catalog.find(openai, "gpt-4")
    assert not terra.is_gone
    assert gone is not None
    assert gone.is_gone


def test_a_list_of_something_else_marks_nothing(health: Health) -> None:
    health.check()
    with psycopg.connect(health.database_url, autocommit=True) as connection:
        for models in ('[{"id": "nobody-s"}]', '{"odd": 5}', "[5]"):
            connection.execute("UPDATE llm_providers SET offered_models = %s", [models])
            held = snapshot(health)
            assert len(held.providers) == 7
            assert not any(one.is_gone for one in held.models), models


def test_without_a_key_nothing_is_kept(health: Health) -> None:
    health.keys = {}
    health.check()
    assert health.of("openai")["offered_models"] is None
