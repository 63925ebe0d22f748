"""Circuits between processes: what changed here is told once a second, and what changed there read.

Through Redis, so that an open circuit is known everywhere within 2 s; never on a request's way.
While Redis is down each process has its own circuits alone. Hashes, values in msgpack, Unix times:

    HEALTH_CIRCUITS  <slug>|<model>               [state, until, times opened, since]
    HEALTH_LIMITS    <slug>|<credential>|<model>  [until, code of the error, over tokens]

A credential is the id of a caller's key, 0 the platform's; an empty model is all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from redis.exceptions import RedisError

from shared.errors import (
    PlatformKeyRefused,
    ProviderDeniedModel,
    ProviderRateLimited,
    UpstreamError,
)
from shared.health.circuits import CircuitState, State
from shared.health.circuits_table import CircuitTable
from shared.health.outcomes import EXPIRES_S, encode_outcome, new_outcomes_key, outcome_field
from shared.keyspace import HEALTH_CIRCUITS, HEALTH_LIMITS, Redis
from shared.log import Outages, get_logger
from shared.resources import end_tasks, opener
from shared.routing.order import Block, BlockKey

INTERVAL_S = 1.0

_KEPT_S = 900.0
_ERRORS: dict[str, type[UpstreamError]] = {
    error.code: error for error in (ProviderRateLimited, PlatformKeyRefused, ProviderDeniedModel)
}


class _SharedCircuit(msgspec.Struct, frozen=True, array_like=True):
    state: State
    until_unix_s: float
    times_opened: int
    since_unix_s: float


class _SharedBlock(msgspec.Struct, frozen=True, array_like=True):
    until_unix_s: float
    error: str
    over_tokens: int


_encode = msgspec.msgpack.Encoder().encode
_circuit = msgspec.msgpack.Decoder(_SharedCircuit)
_block = msgspec.msgpack.Decoder(_SharedBlock)


class CircuitExchange:
    """Tells and asks Redis once a second. `table`'s clock may have any zero."""

    def __init__(self, redis: Redis, table: CircuitTable) -> None:
        self._redis: Any = redis
        self._table = table
        self._outcomes_key = new_outcomes_key()
        self._told: set[str] = set()
        self._outages = Outages()

    async def run(self) -> None:
        """Until cancelled; an outage is logged at its start and at its end."""
        while True:
            self._table.sweep()
            try:
                await self.exchange()
                if self._outages.ends():
                    get_logger().info("circuits.shared_again")
            except (RedisError, OSError) as error:
                if self._outages.begins():
                    get_logger().warning("circuits.not_shared", error=type(error).__name__)
            await asyncio.sleep(INTERVAL_S)

    async def exchange(self) -> None:
        """One round. Raises RedisError or OSError; nothing that was to be told is lost by that."""
        offset = time.time() - self._table.clock()
        news, blocks = self._table.take_news()
        try:
            circuits, limits = await self._ask(news, blocks, offset)
        except BaseException:
            self._table.put_back(news, blocks)
            raise
        stale = self._adopt_circuits(circuits, offset), self._adopt_limits(limits, offset)
        for key, fields in zip((HEALTH_CIRCUITS, HEALTH_LIMITS), stale, strict=True):
            if fields:
                await self._redis.hdel(key, *fields)

    async def _ask(
        self, news: Any, blocks: Any, offset: float
    ) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        pipeline = self._redis.pipeline(transaction=False)
        for (slug, model_id), one in news.items():
            shared = _SharedCircuit(
                one.state, one.until_s + offset, one.times_opened, one.at_s + offset
            )
            pipeline.hset(HEALTH_CIRCUITS, f"{slug}|{model_id}", _encode(shared))
        for place, one in blocks.items():
            shared = _SharedBlock(one.until_s + offset, one.error.code, one.over_tokens)
            pipeline.hset(HEALTH_LIMITS, _limit_field(place), _encode(shared))
        outcomes = {
            outcome_field(slug, model_id): encode_outcome(counts, offset)
            for slug, model_id, counts in self._table.counts()
        }
        if gone := self._told - outcomes.keys():
            pipeline.hdel(self._outcomes_key, *gone)
        if outcomes:
            pipeline.hset(self._outcomes_key, mapping=outcomes)
            pipeline.expire(self._outcomes_key, EXPIRES_S)
        pipeline.hgetall(HEALTH_CIRCUITS)
        pipeline.hgetall(HEALTH_LIMITS)
        *_, circuits, limits = await pipeline.execute()
        self._told = set(outcomes)
        return circuits, limits

    def _adopt_circuits(self, found: dict[bytes, bytes], offset: float) -> list[bytes]:
        """Returns the fields that are of no use to anyone any more."""
        stale: list[bytes] = []
        for field, value in found.items():
            slug, _, model_id = field.decode("utf-8", "replace").partition("|")
            try:
                one = _circuit.decode(value)
            except msgspec.DecodeError:
                stale.append(field)
                continue
            if one.since_unix_s + _KEPT_S < time.time():
                stale.append(field)
                continue
            news = CircuitState(
                one.state,
                one.until_unix_s - offset,
                one.times_opened,
                one.since_unix_s - offset,
            )
            self._table.adopt(slug, model_id, news)
        return stale

    def _adopt_limits(self, found: dict[bytes, bytes], offset: float) -> list[bytes]:
        stale: list[bytes] = []
        for field, value in found.items():
            place = _limit_place(field)
            try:
                one = _block.decode(value)
            except msgspec.DecodeError:
                one = None
            if place is None or one is None or one.until_unix_s < time.time():
                stale.append(field)
                continue
            error = _ERRORS.get(one.error, ProviderRateLimited)
            block = Block(error, one.until_unix_s - offset, one.over_tokens)
            self._table.adopt_block(place, block)
        return stale


def _limit_field(place: BlockKey) -> str:
    slug, model_id, credential = place
    return f"{slug}|{credential}|{model_id or ''}"


def _limit_place(field: bytes) -> BlockKey | None:
    slug, credential, model_id = (*field.decode("utf-8", "replace").split("|", 2), "", "")[:3]
    return (slug, model_id or None, int(credential)) if credential.isdecimal() else None


@opener
async def open_circuits(redis: Redis) -> AsyncGenerator[CircuitTable]:
    """Shared with other processes."""
    table = CircuitTable()
    exchange = CircuitExchange(redis, table)
    sharing = asyncio.create_task(exchange.run(), name="circuits.exchange")
    try:
        yield table
    finally:
        await end_tasks(sharing)
