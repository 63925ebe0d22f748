"""How every connection to PostgreSQL is opened, so that a pooler may stand between.

The pool and the one of a job on an event loop (connect.py) take the same arguments; nobody else
opens one.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from shared.settings import SettingsInvalid

CONNECT_S = 5
COMMAND_CONNECT_S = 10
"""Somebody looks on, and the server may just be starting."""

SESSION: dict[str, Any] = {
    "autocommit": True,
    # PgBouncer in transaction mode gives the next statement to another session of the server, which
    # knows nothing of what this one prepared; before its release 1.21 that fails.
    "prepare_threshold": None,
    # A server that vanished without a word is noticed within this many ms.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
}
"""Arguments of `psycopg.connect` and its like."""


def connect(
    dsn: str, application: str, *, within_s: int = COMMAND_CONNECT_S
) -> psycopg.Connection[Any]:
    """A connection of a thread or of a command, in autocommit.

    Raises psycopg.OperationalError where there is none `within_s`.
    """
    return psycopg.connect(dsn, application_name=application, connect_timeout=within_s, **SESSION)


def refuse_malformed(dsn: str) -> None:
    """Raises SettingsInvalid where libpq could not read it, or would look for its port in it.

    libpq itself would quote parts of a password in its complaints.
    """
    try:
        ports = str(conninfo_to_dict(dsn).get("port") or "")
        if re.fullmatch(r"[0-9,]*", ports):
            return
    except psycopg.ProgrammingError:
        # Neither raised from here nor quoted: libpq's message repeats parts of the password. So
        # does the one it has for a port, which is where it looks for a password with a slash.
        pass
    raise SettingsInvalid(
        "DATABASE_URL cannot be read: percent-encode what is special in the password, for"
        " example postgresql://user:p%40ss@localhost:5432/switchyard"
    )
