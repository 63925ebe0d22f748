"""The law of all tests here: no answer that was paid for is thrown away.

What providers were asked for is what they may bill. Each call is an answer that was delivered, or
an attempt that failed and says why in its row: none more.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

from tests.fakes.told_provider import ToldProviders

_SETTLED_S: Final = 20
_TRIES: Final = """
    SELECT count(*) FILTER (WHERE attempt ->> 'error' IS NULL), count(attempt ->> 'error')
    FROM llm_usage_logs, jsonb_array_elements(attempts) AS attempt
"""


def check_paid_once(database_url: str, providers: ToldProviders) -> None:
    """Raises AssertionError, with the totals, where a call is neither."""
    deadline = time.monotonic() + _SETTLED_S
    while True:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(_TRIES).fetchone()
        assert row is not None
        delivered, failed = row
        if providers.calls == delivered + failed or time.monotonic() > deadline:
            break
        time.sleep(0.2)  # the rows are on their way
    told = f"{providers.calls} upstream calls, {delivered} delivered, {failed} attempts failed"
    assert providers.calls == delivered + failed, told
