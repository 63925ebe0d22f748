"""Which runs of which jobs there were: who inserts the row of a tick first runs it, so that each
runs once, however many clocks there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

KEPT_DAYS = 2


def run_once(
    connection: psycopg.Connection[Any], name: str, tick: str, run: Callable[[], object]
) -> bool:
    """Run it, if no clock has run that tick of that job; False if one has.

    Where `run` raises, or this process dies in it, the tick is free again. Another clock that comes
    to it meanwhile waits for the outcome. `connection` is in autocommit.
    """
    with connection.transaction():
        inserted = connection.execute(
            "INSERT INTO job_runs (name, tick) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, tick)
        )
        if inserted.rowcount == 0:
            return False
        run()
    return True


async def note_run(connection: psycopg.AsyncConnection[Any], name: str, run: str) -> None:
    """Note a run that no clock's tick has brought."""
    await connection.execute("INSERT INTO job_runs (name, tick) VALUES (%s, %s)", (name, run))


def trim_runs(connection: psycopg.Connection[Any]) -> int:
    """Forget ticks that are long past; how many."""
    return connection.execute(
        "DELETE FROM job_runs WHERE started_at < now() - make_interval(days => %s)", (KEPT_DAYS,)
    ).rowcount
