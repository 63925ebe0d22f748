"""Hears of tokens and keys by Redis, and lets go of callers once nothing at all is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from shared.catalog.news.change import TOLD, Change, News, Unheard
from shared.catalog.news.reach import Reach
from shared.catalog.news.topics import Topics
from shared.log import Outages, get_logger

INTERVAL_S = 0.5
"""With it a change that one process polled and told is heard by another within 2 s of its edit."""

# Who changed it tells it at once, and knows whom it concerns.
_LET_OTHERS_TELL_S = 0.2


class Listener:
    """`news` None: a function without Redis, which hears by PostgreSQL's poll alone.

    `postgres` is how long ago that poll was answered, `reach` how long ago either way was.
    """

    def __init__(self, topics: Topics, reach: Reach, postgres: Reach, news: News | None) -> None:
        self._topics = topics
        self._reach = reach
        self._postgres = postgres
        self._news = news
        self._untold: dict[str, int] = {}
        self._moved = asyncio.Event()
        self._outages = Outages()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            # At once: what is told from here on is heard.
            if self._news is not None:
                await self._turn(self._news)
            self.let_go_if_cut_off()
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._moved.wait()
            if self._moved.is_set():
                self._moved.clear()
                await asyncio.sleep(_LET_OTHERS_TELL_S)

    def have_told(self, moved: Mapping[str, int]) -> None:
        """Tell others of versions that PostgreSQL has shown, unless they were told already."""
        self._untold |= {topic: moved[topic] for topic in TOLD if topic in moved}
        if self._untold:
            self._moved.set()

    def let_go_if_cut_off(self) -> None:
        """Callers who are only remembered may have been revoked long since."""
        if self._reach.is_over:
            self._forget_callers()

    async def _turn(self, news: News) -> None:
        try:
            await self._exchange(news)
        except Unheard as error:
            if self._outages.begins():
                get_logger().warning("changes.not_heard", error=str(error))
            return
        self._reach.note()
        if self._outages.ends():
            get_logger().info("changes.heard_again")

    async def _exchange(self, news: News) -> None:
        heard = await news.hear()
        if heard is None and self._postgres.is_over:
            self._forget_callers()
        for change in heard or []:
            self._learn(change)
        for topic, version in list(self._untold.items()):
            if not news.has_heard(topic, version):
                await news.tell(Change(topic, version))
            self._untold.pop(topic, None)

    def _learn(self, change: Change) -> None:
        """A version behind the next hides others, which may concern anybody."""
        seen = self._topics.seen.get(change.topic)
        if seen is None or change.version <= seen:
            return
        whose = change.whose if change.version == seen + 1 else None
        self._topics.announce(change.topic, change.version, whose)

    def _forget_callers(self) -> None:
        """Whoever comes next is looked up: with PostgreSQL away that is a 503, never a 401."""
        for topic in TOLD:
            self._topics.call(topic)
