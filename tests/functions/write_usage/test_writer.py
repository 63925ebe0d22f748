"""One writer at a time is called, also while PostgreSQL is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from structlog.testing import capture_logs

from functions.write_usage.function import WRITE_USAGE
from functions.write_usage.job import Writer
from shared.embedded import EmbeddedPostgres
from shared.keyspace import USAGE_STREAM, nudge_flag
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.partitions import PARTITION_SCHEMA, partition_name
from shared.settings import SettingsInvalid, load_settings
from shared.spool.stream import FIELD
from tests.fakes.usage_records import final

NUDGE = nudge_flag("usage")


@pytest.fixture
def new_writer(redis_url: str, migrated_database_url: str) -> Callable[[], Writer]:
    def new() -> Writer:
        values = {"DATABASE_URL": migrated_database_url, "REDIS_URL": redis_url}
        return Writer(load_settings(*WRITE_USAGE.settings, **values))

    return new


@pytest.fixture
def allow_connections(
    postgres_server: EmbeddedPostgres, migrated_database_url: str
) -> Callable[[bool], None]:
    name = str(conninfo_to_dict(migrated_database_url)["dbname"])

    def allow(is_allowed: bool) -> None:
        with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(name), sql.Literal(is_allowed)
                )
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )

    return allow


def test_the_writer_clears_the_nudge_and_says_what_it_wrote(
    client: redis.Redis, new_writer: Callable[[], Writer]
) -> None:
    writer = new_writer()
    client.set(NUDGE, b"1")
    client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch((final(), final()), ()))})
    with capture_logs() as logs:
        writer.write()
        writer.write()
    writer.close()
    assert not client.exists(NUDGE)
    assert [(line["event"], line.get("rows")) for line in logs] == [("usage.written", 2)]


def test_while_postgresql_is_away_no_second_writer_is_called_and_nothing_is_lost(
    client: redis.Redis,
    new_writer: Callable[[], Writer],
    allow_connections: Callable[[bool], None],
    migrated_database_url: str,
) -> None:
    writer = new_writer()
    client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch((final(), final()), ()))})
    allow_connections(False)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            writer.write()
        assert 0 < client.ttl(NUDGE) <= 60
    allow_connections(True)
    writer.write()
    writer.close()
    assert not client.exists(NUDGE)
    assert client.xlen(USAGE_STREAM) == 0
    with psycopg.connect(migrated_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM llm_usage_logs").fetchone() == (2,)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsInvalid, match="DATABASE_URL is not set"):
        load_settings(*WRITE_USAGE.settings, REDIS_URL="redis://localhost")


def test_this_months_and_next_months_partition_are_made_and_said_once(
    database: psycopg.Connection[Any], new_writer: Callable[[], Writer]
) -> None:
    writer = new_writer()
    new_years_eve = datetime(2031, 12, 31, 12, tzinfo=UTC)
    with capture_logs() as logs:
        writer.prepare_partitions(new_years_eve)
        writer.prepare_partitions(new_years_eve)
    writer.close()
    made = ["llm_usage_logs_2031_12", "llm_usage_logs_2032_01"]
    assert [line["partitions"] for line in logs] == [made]
    assert partition_name(new_years_eve.date()) == made[0]
    held = database.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename = ANY(%s)",
        (PARTITION_SCHEMA, made),
    ).fetchone()
    assert held == (2,)
