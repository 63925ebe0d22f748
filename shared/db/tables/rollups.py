"""The smaller copies of usage_daily: its own columns, without some of its keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DefaultClause,
    Identity,
    Index,
    Table,
    TextClause,
    text,
)

from shared.db.rollups import DAILY, DAILY_SUMS, ROLLUPS
from shared.db.tables import usage as usage
from shared.db.tables.naming import metadata


def _declare(name: str, keys: tuple[str, ...]) -> Table:
    held = metadata.tables[DAILY].columns
    copied = (
        Column(
            column.name,
            column.type,
            nullable=column.nullable,
            server_default=_default(column),
        )
        for column in (held[one] for one in ("day", *keys, *DAILY_SUMS))
    )
    return Table(
        name,
        metadata,
        Column("id", BigInteger, Identity(always=False), primary_key=True),
        *copied,
        Index(f"uq_{name}_key", "day", *keys, unique=True, postgresql_nulls_not_distinct=True),
        # Nearly every write is an update: with room on its page it touches no index.
        postgresql_with={"fillfactor": "50"},
    )


def _default(column: Column[Any]) -> TextClause | None:
    default = column.server_default
    return text(str(default.arg)) if isinstance(default, DefaultClause) else None


for _name, _keys in ROLLUPS.items():
    _declare(_name, _keys)

_by_user = metadata.tables["usage_daily_by_user"].c
Index(None, _by_user.user_id, _by_user.day)
