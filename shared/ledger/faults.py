"""Whose fault it is that a record could not be written: its own, or the database's."""

from __future__ import annotations

import psycopg


class InvalidRecord(ValueError):
    """A record that cannot be a row, whatever the state of the database."""


# By the first two characters of a SQLSTATE: read-only after a failover; no such database or
# schema; not migrated yet, or not allowed. psycopg calls none of them operational.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = ("25", "3D", "3F", "42")
# A text beyond what an index takes, say; psycopg calls it operational.
_TOO_LARGE = "54"


def is_away(error: Exception) -> bool:
    """Whether the database is at fault: what it refused is written once it is well again."""
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return not state.startswith(_TOO_LARGE)
    return state.startswith(_AWAY)


def is_at_fault(error: Exception) -> bool:
    """Whether the record is: trying again would fail again."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_TOO_LARGE):
        return True
    return isinstance(error, InvalidRecord | psycopg.DataError | psycopg.IntegrityError)
