"""Brings a database up to date with this release; a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString, NamedTuple

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, NullPool, create_engine

import migrations
from shared.db.session import connect
from shared.db.tables.every import metadata
from shared.db.tables.rollup_triggers import install_rollups
from shared.db.tables.triggers import install_triggers
from shared.ledger.partitions import ensure_ahead
from shared.migrate import remake, seeds
from shared.migrate.older import AdoptionRefused, adopt
from shared.migrate.older_usage import CopyIncomplete, copy_usage, is_set_aside
from shared.migrate.roles import make_roles

__all__ = [
    "AdoptionRefused",
    "CopyIncomplete",
    "MigrationRefused",
    "alembic_config",
    "is_current",
    "migrate",
    "missing_tables",
    "unfit",
]

VERSION_TABLE = "switchyard_alembic_version"
_APPLICATION = "switchyard migrate"
_ADOPTABLE = frozenset(
    {"llm_providers", "llm_models", "user_api_keys", "llm_routing_rules", "llm_usage_logs"}
)
# The same in every release: one process migrates, and the others wait and find nothing to do.
_LOCK = 0x5357_4D47
# The first with indexes that are NULLS NOT DISTINCT.
_OLDEST = 15
# In any other encoding, text comes back as bytes or cannot be written at all.
_ENCODING = "UTF8"
_WAIT_FOR_OTHERS: LiteralString = "15min"
_WAIT_FOR_A_LOCK: LiteralString = "5s"


class Unfit(NamedTuple):
    detail: str
    fix: str


class MigrationRefused(Exception):
    """The database is unsuitable, or holds something that is not ours; the message names it."""


def migrate(dsn: str, report: Callable[[str], None]) -> None:
    """Adopt, upgrade, remake, partition and seed; `report` gets a line for each change.

    Safe to kill and run again, and safe beside serving processes: a statement that waits more than
    5 s for a lock fails instead of blocking everyone who queues behind it. Raises psycopg.Error (in
    that case LockNotAvailable) or a sqlalchemy.exc.DBAPIError around one, MigrationRefused,
    AdoptionRefused and CopyIncomplete.
    """
    done = 0

    def count(line: str) -> None:
        nonlocal done
        done += 1
        report(line)

    with _only_one(dsn) as connection:
        _bring_up(dsn, connection, count)
    if not done:
        report("nothing to do: the database is up to date")


def is_current(dsn: str) -> bool:
    """Whether `migrate` would find nothing to change. Raises psycopg.OperationalError."""
    with _session(dsn) as connection:
        if remake.missing_tables(connection) or is_set_aside(connection):
            return False
        return _version(connection) == _head()


def missing_tables(dsn: str) -> list[str]:
    """Names of our tables that are missing. Raises psycopg.OperationalError."""
    with _session(dsn) as connection:
        return remake.missing_tables(connection)


def unfit(connection: psycopg.Connection[Any]) -> Unfit | None:
    """Why this server or database cannot be used, or None."""
    version = connection.info.server_version // 10_000
    if version < _OLDEST:
        return Unfit(f"the server is PostgreSQL {version}", f"use {_OLDEST} or newer")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != _ENCODING:
        statement = f"CREATE DATABASE … ENCODING '{_ENCODING}' TEMPLATE template0"
        return Unfit(f"the database's encoding is {encoding}", f"create one with {statement}")
    return None


def alembic_config() -> Config:
    """What alembic.ini would contain. Set attributes["connection"] before running migrations."""
    config = Config()
    folder = next(iter(migrations.__path__))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["version_table"] = VERSION_TABLE
    return config


def _bring_up(dsn: str, connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    if fault := unfit(connection):
        raise MigrationRefused(f"{fault.detail}: {fault.fix}")
    before = _version(connection)
    missing = remake.missing_tables(connection)
    if before is None:
        _refuse_strangers(missing)
        adopt(connection, report)
        missing = remake.missing_tables(connection)
    with _sqlalchemy(dsn) as bound:
        config = alembic_config()
        config.attributes["connection"] = bound
        command.upgrade(config, "head")
        bound.commit()
        remade = [name for name in missing if name in remake.missing_tables(connection)]
        if remade:
            remake.remake_tables(bound, remade, report)
            bound.commit()
    if missing:
        report(f"{len(missing)} tables created: {', '.join(missing)}")
    after = _version(connection)
    if before not in {None, after}:
        report(f"schema upgraded from {before} to {after}")
    if triggers := install_triggers(connection):
        report(f"{triggers} triggers created")
    if install_rollups(connection):
        report("smaller copies of usage_daily filled")
    for partition in ensure_ahead(connection, datetime.now(UTC)):
        report(f"partition {partition} created")
    copy_usage(connection, report)
    connection.execute("INSERT INTO versions (id) VALUES (1) ON CONFLICT DO NOTHING")
    seeds.seed(connection, report)
    remake.remake_foreign_keys(connection, report)
    make_roles(connection, report)


def _refuse_strangers(missing: list[str]) -> None:
    """Before the first migration only the older five may exist: any others are not ours."""
    strangers = sorted(metadata.tables.keys() - _ADOPTABLE - set(missing))
    if strangers:
        raise MigrationRefused(
            f"the database already has tables with our names: {', '.join(strangers)};"
            " give Switchyard a database or a schema of its own"
        )


@contextmanager
def _only_one(dsn: str) -> Generator[psycopg.Connection[Any]]:
    with _session(dsn) as waiting, waiting.transaction():
        # A transaction's lock, because a pooler keeps the session and with it a session's lock.
        waiting.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_WAIT_FOR_OTHERS))
        waiting.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        waiting.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        with _session(dsn) as connection:
            yield connection


@contextmanager
def _session(dsn: str) -> Generator[psycopg.Connection[Any]]:
    with connect(dsn, _APPLICATION) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute(sql.SQL("SET lock_timeout = {}").format(_WAIT_FOR_A_LOCK))
        yield connection
        # A pooler gives the session to another client.
        connection.execute("RESET lock_timeout")


@contextmanager
def _sqlalchemy(dsn: str) -> Generator[Connection]:
    """A SQLAlchemy connection to any DSN that psycopg accepts."""

    def open_one() -> psycopg.Connection[Any]:
        connection = connect(dsn, _APPLICATION)
        connection.execute("SET timezone = 'UTC'")
        connection.execute(sql.SQL("SET lock_timeout = {}").format(_WAIT_FOR_A_LOCK))
        connection.autocommit = False
        return connection

    engine = create_engine("postgresql+psycopg://", creator=open_one, poolclass=NullPool)
    with engine.connect() as bound:
        yield bound
        bound.exec_driver_sql("RESET lock_timeout")
        bound.commit()


def _version(connection: psycopg.Connection[Any]) -> str | None:
    there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (VERSION_TABLE,)).fetchone()
    if there is None or not there[0]:
        return None
    row = connection.execute(
        sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(VERSION_TABLE))
    ).fetchone()
    return None if row is None else str(row[0])


def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
