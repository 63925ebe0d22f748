"""The law of all tests here: no answer that was paid for is thrown away.

What a provider answered is billed. Each such call is an answer that was delivered, whole or as far
as it came; each call that was no answer is an attempt that failed and says why in its row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import psycopg

from tests.fakes.told_provider import Told, ToldProviders

_SETTLED_S: Final = 20
_TRIES: Final = """
    SELECT attempt ->> 'provider', count(*) FILTER (WHERE attempt ->> 'error' IS NULL),
        count(attempt ->> 'error')
    FROM llm_usage_logs, jsonb_array_elements(attempts) AS attempt GROUP BY 1
"""


class Tries(NamedTuple):
    """Of one provider, by the rows."""

    delivered: int = 0
    failed: int = 0


def check_paid_once(database_url: str, providers: ToldProviders) -> None:
    """Raises AssertionError, with every provider it is not true of."""
    deadline = time.monotonic() + _SETTLED_S
    while True:
        with psycopg.connect(database_url) as connection:
            rows = {slug: Tries(*numbers) for slug, *numbers in connection.execute(_TRIES)}
        wrong = list(complaints(providers.told, rows))
        if not wrong or time.monotonic() > deadline:
            break
        time.sleep(0.2)  # the rows are on their way
    assert not wrong, "\n".join(wrong)


def complaints(told: Mapping[str, Told], rows: Mapping[str, Tries]) -> Iterator[str]:
    """Where the fakes' own counts, by slug, and the rows differ, in a sentence each."""
    for slug, one in told.items():
        tries = rows.get(slug, Tries())
        if one.answers != tries.delivered:
            yield f"{slug} was paid for {one.answers} answers, {tries.delivered} were delivered"
        if one.calls - one.answers != tries.failed:
            yield f"{slug} failed {one.calls - one.answers} times, {tries.failed} rows say so"
