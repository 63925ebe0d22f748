"""What the script that grants leases is sent, and what it answers."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from shared.keyspace import LIMITS, Redis
from shared.limits.script import SCRIPT, TIMES


class Status(IntEnum):
    """`REFUSED`: does not fit. `REBUILDING`: the epoch is young. `STALE`: a later call came before.
    `UNSOUND`: what PostgreSQL says was spent has to be sent first."""

    GRANTED = 0
    REFUSED = 1
    REBUILDING = 2
    STALE = 3
    UNSOUND = 4


class MeterCall(msgspec.Struct, frozen=True):
    """One meter of a call. `limit` is endless where the row is soft, `amount` is what it says.
    `leak` is units a ms; `used` in total since the lease began, `acked` of it as last answered;
    `seen` the level as last answered, flowed off since; `floor` what PostgreSQL says was spent, -1
    where nobody asked, and `floor_at` when it was asked for; `leaves`: nothing is kept any more.
    `quoted`: of what was kept until now, what the call's quote holds from now on.
    """

    limit: int
    amount: int
    leak: float
    used: int
    acked: int
    keep: int
    need: int
    want: int
    seen: float
    floor: int
    floor_at: float
    ttl: int
    grace: int
    leaves: bool
    quoted: int = 0


class MeterAnswer(msgspec.Struct, frozen=True, array_like=True):
    """`leased` by all holders; `wait_ms` until what was needed fits, by the rate alone.

    `wants_floor` is the time of Redis at which PostgreSQL was wanted, 0 where it is not; to be
    asked for what was used until `unheard_ms` before then. `reached`: the percent of a budget that
    is used by now, told to one holder once; else 0.
    """

    granted: float
    level: float
    leased: float
    wait_ms: float
    wants_floor: float
    unheard_ms: float
    reached: int


class Answer(msgspec.Struct, frozen=True):
    status: Status
    epoch: str = ""
    holders: int = 1
    known: int = 1
    ready_in: float = 0.0
    meters: list[MeterAnswer] = []


class _Call(msgspec.Struct, frozen=True):
    holder: str
    seq: int
    epoch: str
    fresh: str
    known: int
    whole: bool
    meters: list[MeterCall]
    quote: str = ""
    times: tuple[int, ...] = TIMES


_encode = msgspec.msgpack.Encoder().encode
_answer = msgspec.msgpack.Decoder(Answer, strict=False)


class Grants:
    """Calls the script; of one holder, whose calls go one after another."""

    def __init__(self, redis: Redis) -> None:
        script: Any = redis.register_script(SCRIPT)
        self._script = script

    async def call(
        self,
        holder: str,
        seq: int,
        *,
        epoch: str,
        fresh: str,
        known: int,
        whole: bool,
        meters: dict[str, MeterCall],
        quote: str = "",
    ) -> Answer:
        """`known`: the holders there were when last answered, and those that died a
        moment before; 0 where never; `whole`: with this
        call all is told that the holder keeps. `quote`: what it holds is given to the meters of the
        call, but for what they say it holds from now on. Raises RedisError.
        """
        call = _Call(holder, seq, epoch, fresh, known, whole, list(meters.values()), quote)
        keys = [LIMITS, f"{LIMITS}:holders", *(f"{LIMITS}:{name}" for name in meters)]
        return _answer.decode(await self._script(keys, [_encode(call)]))
