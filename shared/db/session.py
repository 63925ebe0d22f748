"""How every connection to PostgreSQL is opened, so that a pooler may stand between.

The pool and the one of a job on an event loop (connect.py) take the same arguments; nobody else
opens one. Each has its limits: to connect, on silence of the network, and on an answer.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict

from shared.settings import SettingsInvalid

CONNECT_S = 5
COMMAND_CONNECT_S = 10
"""Somebody looks on, and the server may just be starting."""

JOB_ANSWER_S = 60.0
"""How long a job waits for one statement: a batch is written in well under 1 s."""

SESSION: dict[str, Any] = {
    "autocommit": True,
    # PgBouncer in transaction mode gives the next statement to another session of the server, which
    # knows nothing of what this one prepared; before its release 1.21 that fails.
    "prepare_threshold": None,
    # A server that vanished without a word is noticed within this many ms while something was sent,
    # and within 10 + 3 x 5 s while nothing was.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Arguments of `psycopg.connect` and its like."""


class JobConnection(psycopg.Connection[Any]):
    """Gives up, with psycopg.OperationalError, where an answer takes longer than JOB_ANSWER_S.

    By the clock of this end: a server that hangs goes on to acknowledge, and ends no statement.
    Closed then, as nobody knows what the server still makes of what it was sent.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, JOB_ANSWER_S if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def connect(
    dsn: str, application: str, *, within_s: int = COMMAND_CONNECT_S
) -> psycopg.Connection[Any]:
    """A connection of a command, in autocommit: its statements take what they take, for somebody
    looks on.

    Raises psycopg.OperationalError where there is none `within_s`.
    """
    return psycopg.connect(dsn, application_name=application, connect_timeout=within_s, **SESSION)


def connect_job(dsn: str) -> JobConnection:
    """A connection of a worker's thread, in autocommit. Raises as `connect`, within CONNECT_S."""
    return JobConnection.connect(
        dsn, application_name="switchyard", connect_timeout=CONNECT_S, **SESSION
    )


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
