"""The catalog kept up to date by a job: what comes, what stays, and that it does so once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from functions.sync_catalog.job import sync_catalog

Select = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def select(migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Select]:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield lambda statement: connection.execute(statement.encode()).fetchall()


def test_models_come_switched_off_and_priced_once_and_are_audited(select: Select) -> None:
    active = "SELECT id FROM llm_models WHERE is_active ORDER BY id"
    were_on = select(active)
    assert sync_catalog() > 100
    assert select(active) == were_on
    assert (
        select(
            "SELECT model_id FROM llm_models m WHERE NOT EXISTS"
            " (SELECT FROM model_prices p WHERE p.model_id = m.id)"
        )
        == []
    )
    audited = select("SELECT DISTINCT actor, action FROM audit_events")
    assert audited == [("sync_catalogue", "catalog.synced")]
    assert sync_catalog() == 0


def test_what_migrate_seeded_is_not_priced_anew(select: Select) -> None:
    """Its service tiers are part of a price, so a sync without them would be another price."""
    seeded = "SELECT model_id, version FROM model_prices WHERE model_id <= 4 ORDER BY 1, 2"
    before = select(seeded)
    sync_catalog()
    assert select(seeded) == before
