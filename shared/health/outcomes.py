"""What live calls say of each provider: web processes publish it, the health check sums it up.

Each web process has a Redis hash of its own, HEALTH_OUTCOMES and an id, which it renews once a
second and which is gone 10 s after its last word. A field is `<provider slug>|<model id>`, its
value an Outcome in msgpack.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

from shared.health.circuits import WINDOW_S, Counts
from shared.health.hysteresis import Traffic
from shared.keyspace import HEALTH_OUTCOMES, Redis
from shared.log import get_logger

EXPIRES_S = 10

_SCANNED_AT_ONCE = 1000


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """One provider's model as one process saw it within its window; a later release may append
    fields. `last_failure_unix_s` is 0 before the first.
    """

    window_s: float
    successes: int
    failures: int
    failures_in_a_row: int = 0
    last_failure_unix_s: float | None = 0


_decoder = msgspec.msgpack.Decoder(Outcome)


def new_outcomes_key() -> str:
    """Of a process that begins to publish."""
    return HEALTH_OUTCOMES + secrets.token_hex(8)


def outcome_field(slug: str, model_id: str) -> str:
    return f"{slug}|{model_id}"


def encode_outcome(counts: Counts, unix_offset_s: float) -> bytes:
    """`unix_offset_s` turns the time of `counts` into Unix time."""
    last = counts.last_failure_s and counts.last_failure_s + unix_offset_s
    return msgspec.msgpack.encode(
        Outcome(WINDOW_S, counts.successes, counts.failures, counts.failures_in_a_row, last)
    )


async def read_traffic(client: Redis) -> dict[str, Traffic]:
    """Calls by provider slug, over all models and processes. Raises redis.RedisError."""
    fields: list[tuple[bytes, bytes]] = []
    # Any: redis-py's types leave open whether answers are bytes.
    untyped: Any = client
    async for key in untyped.scan_iter(match=f"{HEALTH_OUTCOMES}*", count=_SCANNED_AT_ONCE):
        fields.extend((await untyped.hgetall(key)).items())
    return _sum(fields)


def _sum(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, Traffic]:
    """What cannot be read is left out, and logged: it must not stop the check."""
    traffic: dict[str, Traffic] = {}
    for name, value in fields:
        try:
            outcome = _decoder.decode(value)
        except msgspec.DecodeError as error:
            get_logger().warning("health.outcomes_unreadable", reason=str(error))
            continue
        slug = name.decode(errors="replace").partition("|")[0]
        held = traffic.get(slug, Traffic())
        traffic[slug] = Traffic(
            held.successes + outcome.successes, held.failures + outcome.failures
        )
    return traffic
