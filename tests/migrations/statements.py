"""What the tests of migrations ask a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from shared.migrate.steps import migrate

OLDER_SCHEMA = (Path(__file__).parent / "older_schema.sql").read_text()


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement.encode())


def lines_of(dsn: str) -> list[str]:
    """Migrate, and what was reported."""
    lines: list[str] = []
    migrate(dsn, lines.append)
    return lines
