"""What live calls say of each provider: counts that web processes publish once a second.

Each process has a Redis hash of its own, `switchyard:health:outcomes:<process id>`, that expires
10 s after its last word. A field is `<provider slug>|<model id>`; its value is msgpack:
`[window_s, successes, failures, consecutive_failures, last_failure_unix_s]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from shared.health.hysteresis import Traffic
from shared.keyspace import Redis
from shared.log import get_logger

OUTCOMES = "switchyard:health:outcomes:"

_SCANNED_AT_ONCE = 1000


class Outcomes(msgspec.Struct, frozen=True, array_like=True):
    """One process's calls of one model within its window; a later release may append fields."""

    window_s: float
    successes: int
    failures: int
    consecutive_failures: int = 0
    last_failure_unix_s: float | None = None


_outcomes = msgspec.msgpack.Decoder(Outcomes)


async def read_traffic(client: Redis) -> dict[str, Traffic]:
    """Calls by provider slug, over all models and processes. Raises redis.RedisError."""
    fields: list[tuple[bytes, bytes]] = []
    # Any: redis-py's types leave open whether answers are bytes.
    untyped: Any = client
    async for key in untyped.scan_iter(match=f"{OUTCOMES}*", count=_SCANNED_AT_ONCE):
        fields.extend((await untyped.hgetall(key)).items())
    return sum_outcomes(fields)


def sum_outcomes(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, Traffic]:
    """What cannot be read is left out, and logged: it must not stop the check."""
    traffic: dict[str, Traffic] = {}
    for name, value in fields:
        try:
            outcomes = _outcomes.decode(value)
        except msgspec.DecodeError as error:
            get_logger().warning("health.outcomes_unreadable", reason=str(error))
            continue
        slug = name.decode(errors="replace").partition("|")[0]
        held = traffic.get(slug, Traffic())
        traffic[slug] = Traffic(
            held.successes + outcomes.successes, held.failures + outcomes.failures
        )
    return traffic
