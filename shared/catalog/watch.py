"""Keeps a process's copy of the settings fresh: edits by anyone, psql included, within 2 s.

Of tokens and keys it hears by two ways, PostgreSQL's versions and Redis (news). What is
remembered of callers holds for as long as one of them can be heard, and STALE_AUTH_S longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress

import psycopg
from psycopg_pool import PoolTimeout

from shared.catalog.news.change import News
from shared.catalog.news.listener import Listener
from shared.catalog.news.reach import Reach
from shared.catalog.news.topics import NAMES, Callback, OneCallback, Topics
from shared.catalog.read import read_snapshot, read_versions
from shared.db.connect import Database, Use
from shared.errors import NotReady
from shared.log import Outages, get_logger
from shared.resources import Check, Checks, end_tasks, opener
from shared.routing.snapshot import Snapshot
from shared.settings import AuthSettings

POLL_INTERVAL_S = 1.0
STALE_AFTER_S = 2.0
"""Twice the interval, and what is promised: an edit, a revoked token too, holds within 2 s."""

FIRST_SNAPSHOT_WAIT_S = 5.0
CATCH_UP_WAIT_S = 1.0
"""A request after a freeze waits no longer than this for a PostgreSQL that may be down."""

# A catalog that takes longer than this to read is as good as a database that is down.
_POLL_TIMEOUT_S = 10.0
# After a poll in vain, as long as until the next one has ended.
_MAKE_DO_S = POLL_INTERVAL_S + _POLL_TIMEOUT_S + 1.0


class SnapshotKeeper:
    """Polls the versions and reloads what has moved; while the database is down, keeps the old."""

    def __init__(
        self, database: Database, news: News | None = None, *, stale_auth_s: float = 600.0
    ) -> None:
        self.news = news
        self._database = database
        self._snapshot: Snapshot | None = None
        self._topics = Topics()
        self._reach = Reach(stale_auth_s)
        self._postgres = Reach(STALE_AFTER_S)
        self.listener = Listener(self._topics, self._reach, self._postgres, news)
        self._first = asyncio.Event()
        self._polling = asyncio.Lock()
        self._outages = Outages()
        self._outages.begins(reason="the database was not asked yet")
        self._had_failed = False
        self._stale_at = 0.0
        self._wanted = asyncio.Event()
        self._turned = asyncio.Event()

    @property
    def is_stale(self) -> bool:
        """Whether nothing was asked for longer than a poll takes to come: the process was frozen,
        as Lambda and others do between requests, and polling with it. Then `catch_up`.

        By the wall clock, the only one to go on in any freeze: the monotonic one does while
        processes are stopped, and stands still with a virtual machine that is.
        """
        return time.time() > self._stale_at

    @property
    def snapshot(self) -> Snapshot:
        """The newest catalog, the same object until it changes. Raises NotReady before any."""
        if self._snapshot is None:
            raise NotReady(f"There is no catalog yet: {self._outages.reason()}.")
        return self._snapshot

    def on_change(
        self, name: str, callback: Callback, *, of_one: OneCallback | None = None
    ) -> None:
        """Call `callback` when `name` has changed: catalog, tokens, keys or limits.

        Also called after the first poll: what a process remembered before it may be older. It
        runs on the event loop and must return at once. `of_one` is called in its place where it
        is known whose token (by its id) or keys (by the user's) alone have changed. Raises
        KeyError for another name.
        """
        self._topics.on_change(name, callback, of_one)

    async def complaint(self) -> str | None:
        """None once there was a snapshot, else why there is none."""
        return None if self._snapshot is not None else f"no snapshot yet: {self._outages.reason()}"

    async def wait_for_first(self, timeout_s: float) -> bool:
        """Whether a first snapshot was there in time."""
        try:
            await asyncio.wait_for(self._first.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Poll until cancelled; an outage is logged at its start and at its end."""
        while True:
            self._wanted.clear()
            await self._take_a_turn()
            self._turned.set()
            self._turned = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_INTERVAL_S):
                    await self._wanted.wait()

    async def catch_up(self) -> None:
        """Have `run` poll now, and wait for it, so that what is stale is not served.

        Where PostgreSQL does not answer in CATCH_UP_WAIT_S, what there is has to do for a while.
        """
        try:
            async with asyncio.timeout(CATCH_UP_WAIT_S):
                while self.is_stale:
                    self._wanted.set()
                    await self._turned.wait()
        except TimeoutError:
            if not self.is_stale:  # another request has waited in vain before
                return
            self._make_do()
            self.listener.let_go_if_cut_off()
            get_logger().warning("snapshot.not_caught_up", seconds=CATCH_UP_WAIT_S)

    async def refresh(self) -> Snapshot:
        """The catalog as the table has it now, for what must not act on one of 2 s ago.

        Raises psycopg.Error; NotReady where it cannot be read.
        """
        await self._poll()
        return self.snapshot

    async def _take_a_turn(self) -> None:
        began, was_stale = time.time(), self.is_stale
        try:
            async with asyncio.timeout(_POLL_TIMEOUT_S):
                await (self._poll_anew() if was_stale else self._poll())
                await self._note_success()
        except Exception as error:  # noqa: BLE001  a bug here must not freeze settings for good
            self._note_failure(error)
            # A turn that took longer was frozen in its middle, and says nothing of PostgreSQL.
            if time.time() - began < _POLL_TIMEOUT_S + 1.0:
                self._make_do()
        if self._snapshot is not None:
            self._first.set()

    async def _poll_anew(self) -> None:
        """After a freeze: connections that did not live through it say nothing of PostgreSQL."""
        try:
            await self._poll()
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            await self._database.renew()
            await self._poll()

    async def _poll(self) -> None:
        async with self._polling, self._database.connection(Use.KEEPER) as connection:
            asked_at = time.time()
            # Before the snapshot: what changes in between is seen as new by the next poll.
            versions = await read_versions(connection)
            seen = self._topics.seen
            moved = {
                topic: version
                for topic in NAMES
                if (version := getattr(versions, topic)) != seen.get(topic)
            }
            self.listener.have_told({topic: moved[topic] for topic in moved if topic in seen})
            # A revoked token must not wait for a catalog that cannot be read.
            for topic in moved.keys() - {"catalogue"}:
                self._topics.announce(topic, moved[topic])
            if "catalogue" in moved:
                self._snapshot = await read_snapshot(connection, self._snapshot)
                self._topics.announce("catalogue", moved["catalogue"])
            self._note_answer(asked_at)
            self._reach.note()
            self._postgres.note()

    def _note_answer(self, asked_at: float) -> None:
        """Fresh is what was asked for lately: an answer may have waited for the end of a freeze."""
        now = time.time()
        if now - asked_at < STALE_AFTER_S:
            self._stale_at = asked_at + STALE_AFTER_S
        elif now < self._stale_at:
            self._make_do()  # so slow that it would be stale at once, over and over

    def _make_do(self) -> None:
        """PostgreSQL is down or slow: nothing is called stale until `run` has tried again."""
        self._stale_at = time.time() + _MAKE_DO_S

    def _note_failure(self, error: Exception) -> None:
        complaint = _why(error)
        if self._outages.begins(reason=complaint):
            expected = isinstance(error, psycopg.Error | OSError)
            get_logger().warning(
                "snapshot.poll_failed", reason=complaint, exc_info=None if expected else error
            )
        self._had_failed = True

    async def _note_success(self) -> None:
        if self._outages.reason() is None:
            return
        if self._had_failed:
            await self._database.renew()
        self._outages.ends()
        self._had_failed = False
        get_logger().info("snapshot.fresh", **self._topics.seen)


def _why(error: Exception) -> str:
    """What the operator can do, without the host or anything else that /readyz should not say."""
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return "migrations missing, run `switchyard migrate`"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "the database user may not read our tables"
    if isinstance(error, psycopg.Error | OSError):
        return "PostgreSQL does not answer, check that it runs and that DATABASE_URL is right"
    return f"reading it failed ({type(error).__name__})"


@opener
async def open_snapshot(
    database: Database, news: News | None, settings: AuthSettings, checks: Checks
) -> AsyncGenerator[SnapshotKeeper]:
    """It has polled, or has waited 5 s to. A function without Redis hears by PostgreSQL alone."""
    keeper = SnapshotKeeper(database, news, stale_auth_s=settings.stale_auth_s)
    checks.append(Check("snapshot", keeper.complaint, critical=True))
    tasks = [
        asyncio.create_task(keeper.run(), name="snapshot.poll"),
        asyncio.create_task(keeper.listener.run(), name="snapshot.listen"),
    ]
    try:
        await keeper.wait_for_first(FIRST_SNAPSHOT_WAIT_S)
        yield keeper
    finally:
        await end_tasks(*tasks)
