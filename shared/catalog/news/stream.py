"""News by a stream in Redis, one entry a change: {topic, version, whose}.

`whose` is absent where nobody knows. A reader puts an entry of its own, without a topic, where it
begins: while that or what it has read since is there, it has missed nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError

from shared.catalog.news.change import TOLD, Change, News, Unheard
from shared.keyspace import CHANGES, Redis
from shared.resources import opener

__all__ = ["News", "NewsStream", "open_news"]

_KEPT = 10_000
"""Entries: who missed more of them finds the last one that it has read gone."""

_Entry = tuple[bytes, Mapping[bytes, bytes]]


class NewsStream:
    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._read_to: bytes | None = None
        self._latest: dict[str, int] = {}

    def has_heard(self, topic: str, version: int) -> bool:
        return self._latest.get(topic, 0) >= version

    async def tell(self, change: Change) -> None:
        fields: dict[str, str | int] = {"topic": change.topic, "version": change.version}
        if change.whose is not None:
            fields["whose"] = change.whose
        with _answering():
            await self._add(fields)

    async def hear(self) -> list[Change] | None:
        with _answering():
            if self._read_to is not None:
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.xrange(CHANGES, self._read_to, self._read_to)
                pipeline.xread({CHANGES: self._read_to})
                last, streams = await pipeline.execute()
                if last:
                    return self._read(streams or [])
            self._read_to = await self._add({"topic": ""})
            return None

    async def _add(self, fields: Mapping[str, str | int]) -> bytes:
        return await self._redis.xadd(CHANGES, fields, maxlen=_KEPT, approximate=True)

    def _read(self, streams: list[tuple[bytes, list[_Entry]]]) -> list[Change]:
        entries = [entry for _, found in streams for entry in found]
        if entries:
            self._read_to = entries[-1][0]
        changes = [change for _, fields in entries if (change := _change(fields)) is not None]
        for change in changes:
            self._latest[change.topic] = max(change.version, self._latest.get(change.topic, 0))
        return changes


@contextmanager
def _answering() -> Generator[None]:
    """Raises Unheard where Redis does not answer."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unheard(type(error).__name__) from error


def _change(fields: Mapping[bytes, bytes]) -> Change | None:
    """None for an entry that is no change, or that a later release wrote."""
    topic, version = fields.get(b"topic", b"").decode(), fields.get(b"version", b"")
    if topic not in TOLD or not version.isdigit():
        return None
    whose = fields.get(b"whose")
    return Change(topic, int(version), None if whose is None else whose.decode())


@opener
async def open_news(redis: Redis) -> AsyncGenerator[News]:
    """Nothing waits for Redis at start."""
    yield NewsStream(redis)
