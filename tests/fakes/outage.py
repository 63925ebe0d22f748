"""A spool and its shipper over real services, a second at a time on a clock of the test's own, with
a switch for each service.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis
from msgspec import structs
from redis.asyncio import Redis
from redis.exceptions import RedisError

from functions.write_usage.drain import drain
from shared.db.connect import Database
from shared.jobs import Dispatch
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import decode_batch
from shared.ledger.request_id import new_request_id
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.spool.stream import FIELD, EntryId, StreamProducer, StreamState
from tests.fakes.usage_records import final, intent

KEEP_HOUSE_EVERY_S = 5


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SwitchedStream(StreamProducer):
    """Counts what was sent, by request."""

    def __init__(self, client: Any, dispatch: Dispatch) -> None:
        super().__init__(client, dispatch)
        self.is_away = False
        self.sent = 0

    async def add(self, finals: Sequence[bytes], orphans: Sequence[bytes] = ()) -> EntryId:
        self._check()
        entry = await super().add(finals, orphans)
        self.sent += len(finals) + len(orphans)
        return entry

    async def state(self) -> StreamState:
        self._check()
        return await super().state()

    def _check(self) -> None:
        if self.is_away:
            raise redis.ConnectionError("switched off")


class SwitchedDatabase(Database):
    is_away = False

    def connection(self, *args: Any, **named: Any) -> Any:
        if self.is_away:
            raise psycopg.OperationalError("switched off")
        return super().connection(*args, **named)


class Gateway:
    """One process's spool and shipper. `ids` are the requests that it served, if it keeps them."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        stream: SwitchedStream,
        database: SwitchedDatabase,
        *,
        keeps_ids: bool = True,
        **spool: Any,
    ) -> None:
        self.clock, self.stream, self.database = clock, stream, database
        self.spool = Spool(folder, clock=clock, **spool)
        self.shipper = Shipper(self.spool, stream, database, syncs=False, clock=clock)
        self.ids: list[str] = []
        self.served = 0
        self._keeps_ids = keeps_ids
        self._intent, self._final = intent(), final()

    def serve(self, requests: int) -> None:
        """Raises SpoolFull."""
        for _ in range(requests):
            request_id = new_request_id()
            self.spool.intent(structs.replace(self._intent, request_id=request_id))
            self.spool.final(structs.replace(self._final, request_id=request_id))
            self.served += 1
            if self._keeps_ids:
                self.ids.append(request_id)

    async def pass_seconds(self, seconds: int, requests: int = 0, step: int = 1) -> None:
        """Each with so many requests, and with what the shipper does meanwhile; `step` at once."""
        for _ in range(seconds // step):
            self.clock.now += step
            self.serve(requests * step)
            await self._attempt(self.shipper._ship)  # pyright: ignore[reportPrivateUsage]
            if self.clock.now % KEEP_HOUSE_EVERY_S == 0:
                await self.keep_house()

    async def keep_house(self) -> None:
        await self._attempt(self.shipper._keep_house)  # pyright: ignore[reportPrivateUsage]

    @staticmethod
    async def _attempt(step: Any) -> None:
        with suppress(RedisError, psycopg.Error, OSError):
            await step()


class Services:
    """The writer's end, and what lies where."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self._folder, self._dsn, self._redis_url = folder, database_url, redis_url

    @asynccontextmanager
    async def gateway(self, *, keeps_ids: bool = True, **spool: Any) -> AsyncGenerator[Gateway]:
        client = Redis.from_url(self._redis_url)
        dispatch = Dispatch(self._redis_url)
        database = SwitchedDatabase(self._dsn)
        await database.open()
        stream = SwitchedStream(client, dispatch)
        one = Gateway(self._folder, Clock(), stream, database, keeps_ids=keeps_ids, **spool)
        try:
            yield one
        finally:
            one.spool.close()
            dispatch.close()
            await client.aclose()
            await database.close()

    def drain(self) -> None:
        with (
            psycopg.connect(self._dsn, autocommit=True) as connection,
            redis.Redis.from_url(self._redis_url) as client,
        ):
            drain(client, lambda: connection, "test", longest_s=600)

    def rows(self) -> int:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute(
                "SELECT count(*), count(DISTINCT request_id) FROM llm_usage_logs"
            ).fetchone()
        assert row is not None
        assert row[0] == row[1], "a request has two rows"
        return row[0]

    def in_stream(self) -> list[str]:
        """The ids that wait there, as often as they do."""
        with redis.Redis.from_url(self._redis_url) as client:
            entries: Any = client.xrange(USAGE_STREAM)
        batches = [decode_batch(fields[FIELD]) for _, fields in entries]
        return [one.request_id for batch in batches for one in (*batch.finals, *batch.orphans)]

    def stream_bytes(self) -> int:
        with redis.Redis.from_url(self._redis_url) as client:
            return int(client.memory_usage(USAGE_STREAM, samples=0) or 0)

    def flush(self) -> None:
        with redis.Redis.from_url(self._redis_url) as client:
            client.flushdb()

    def disk_bytes(self) -> int:
        return sum(path.stat().st_blocks * 512 for path in self._folder.iterdir())

    def open_files(self) -> int:
        fds = Path("/proc/self/fd")
        targets = [fd.readlink() for fd in fds.iterdir() if fd.is_symlink() and fd.exists()]
        return sum(target.parent == self._folder for target in targets)

    def files(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())
