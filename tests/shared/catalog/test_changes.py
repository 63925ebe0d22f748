"""An admin's changes as a command makes them: by a service over a database, no request needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import psycopg
import pytest

from shared.catalog.level_changes import Levels
from shared.catalog.level_checks import ChangeLevel, NewLevel
from shared.catalog.model_changes import ChangeModel, Models, NewModel
from shared.catalog.provider_changes import ChangeProvider, NewProvider, Providers
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import ChangeRule, NewRule
from shared.db.audit import Actor
from shared.db.connect import Database
from shared.errors import InvalidField
from shared.upstream.host_check import check_base_url

T = TypeVar("T")
Deed = Callable[[Database], Awaitable[object]]
ACTOR = Actor("switchyard")


def sent(kind: type[T], **fields: Any) -> T:
    return msgspec.convert(fields, kind)


def providers(database: Database) -> Providers:
    return Providers(database, check_url=check_base_url, places=lambda url, is_local: (url,))


@asynccontextmanager
async def opened(dsn: str) -> AsyncGenerator[Database]:
    database = Database(dsn)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def do(dsn: str, deed: Deed) -> object:
    async def run() -> object:
        async with opened(dsn) as database:
            return await deed(database)

    return asyncio.run(run())


CHANGES: dict[str, Deed] = {
    "model.created": lambda database: Models(database).create(
        sent(NewModel, provider="openai", model_id="made"), ACTOR
    ),
    "model.changed": lambda database: Models(database).change(
        1, sent(ChangeModel, display_name="Ours"), ACTOR
    ),
    "provider.created": lambda database: providers(database).create(
        sent(NewProvider, provider="made", base_url="http://localhost:1/v1", is_local=True), ACTOR
    ),
    "provider.changed": lambda database: providers(database).change(
        "openai", sent(ChangeProvider, is_active=False), ACTOR
    ),
    "routing_rule.created": lambda database: Rules(database).create(
        sent(NewRule, model="google/gemini-3.8-flash", power_level="balanced"), ACTOR
    ),
    "routing_rule.changed": lambda database: Rules(database).change(
        1, sent(ChangeRule, weight=7), ACTOR
    ),
    "routing_rule.deleted": lambda database: Rules(database).delete(1, ACTOR),
    "power_level.created": lambda database: Levels(database).create(
        sent(NewLevel, name="turbo", rank=9, price_ceiling_usd_per_mtok="5"), ACTOR
    ),
    "power_level.changed": lambda database: Levels(database).change(
        "eco", sent(ChangeLevel, default_max_tokens=900), ACTOR
    ),
}
TABLES = ("llm_models", "llm_providers", "llm_routing_rules", "power_levels")


def rows(dsn: str) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(dsn) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall()  # noqa: S608
            for table in TABLES
        ]


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_is_audited_under_its_name(migrated_database_url: str, action: str) -> None:
    before = rows(migrated_database_url)
    do(migrated_database_url, CHANGES[action])
    assert rows(migrated_database_url) != before
    with psycopg.connect(migrated_database_url) as connection:
        trail = connection.execute("SELECT actor, action, target_type FROM audit_events").fetchall()
    assert trail == [("switchyard", action, action.partition(".")[0])]


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_that_cannot_be_audited_is_not_made(
    migrated_database_url: str, action: str
) -> None:
    before = rows(migrated_database_url)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("ALTER TABLE audit_events ADD CONSTRAINT none CHECK (actor = 'nobody')")
    with pytest.raises(psycopg.errors.CheckViolation):
        do(migrated_database_url, CHANGES[action])
    assert rows(migrated_database_url) == before


def test_a_rule_is_checked_for_a_command_as_for_a_route(migrated_database_url: str) -> None:
    with pytest.raises(InvalidField, match="can never match"):
        do(
            migrated_database_url,
            lambda database: Rules(database).change(
                1, sent(ChangeRule, min_tokens=9, max_tokens=8), ACTOR
            ),
        )
