"""The few kinds of column that the tables are made of, so that money is money everywhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

# Each function answers Any: the annotation at the field says what a row holds, as in SQLModel.


def _field(column: Column[Any]) -> Any:
    return Field(default=None, sa_column=column)


def identity() -> Any:
    """BY DEFAULT, not ALWAYS: seeds and adopted rows bring their own ids."""
    return _field(Column(BigInteger, Identity(always=False), primary_key=True))


def words(*, null: bool = False, default: str | None = None, key: bool = False) -> Any:
    return _field(
        Column(
            Text,
            nullable=null and not key,
            primary_key=key,
            server_default=None if default is None else text(f"'{default}'"),
        )
    )


def word_list(*, null: bool = False) -> Any:
    """text[]; empty by default where null is not allowed."""
    return _field(
        Column(ARRAY(Text), nullable=null, server_default=None if null else text("'{}'::text[]"))
    )


def flag(*, default: bool) -> Any:
    return _field(Column(Boolean, nullable=False, server_default=text(str(default).lower())))


def small(*, null: bool = False, default: int | None = None) -> Any:
    """A 32-bit integer: milliseconds, ranks, ports, statuses."""
    return _field(Column(Integer, nullable=null, server_default=_number(default)))


def count(*, null: bool = False, default: int | None = None) -> Any:
    """A 64-bit integer: token and request counts, ids of rows that may be gone."""
    return _field(Column(BigInteger, nullable=null, server_default=_number(default)))


def reference(target: str, *, ondelete: str | None = None) -> Any:
    """A foreign key to `table.column` of type bigint, never null."""
    key = ForeignKey(target, ondelete=ondelete)
    return _field(Column(BigInteger, key, nullable=False))


def money(*, precision: int = 24, null: bool = True, default: int | None = None) -> Any:
    """USD, exact to 1e-12."""
    return _field(Column(Numeric(precision, 12), nullable=null, server_default=_number(default)))


def ratio(*, null: bool = True) -> Any:
    """A NUMERIC of any precision: rates and temperatures, never money."""
    return _field(Column(Numeric, nullable=null))


def moment(*, null: bool = False, now: bool = False, key: bool = False) -> Any:
    return _field(
        Column(
            DateTime(timezone=True),
            nullable=null,
            primary_key=key,
            server_default=func.now() if now else None,
        )
    )


def document(*, null: bool = False, default: str | None = None) -> Any:
    """jsonb; `default` is its JSON."""
    written = None if default is None else text(f"'{default}'::jsonb")
    return _field(Column(JSONB, nullable=null, server_default=written))


def octets(*, null: bool = False) -> Any:
    return _field(Column(LargeBinary, nullable=null))


def _number(default: int | None) -> Any:
    return None if default is None else text(str(default))
