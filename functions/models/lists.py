"""The lists of models as they were encoded, remembered until the catalog changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from functions.models.answers import Cards, anthropic_list
from functions.models.listing import entries
from shared.beside import beside
from shared.catalog.watch import SnapshotKeeper
from shared.errors import NotReady
from shared.resources import end_tasks, opener
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Snapshot
from shared.wire.providers import SEEDS

_MAX_BYTES = 64 * 1024 * 1024
"""Of all lists together: one of 15,000 models is some 8 MiB, one of a fresh installation 1 MiB."""

_Key = tuple[RoutingRequest, bool, bool]


class _Remembered:
    """What was made of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.cards = Cards()
        self.lists: dict[_Key, bytes] = {}
        self.size = 0


class Lists:
    """Who has the same tier, keys and allowed models gets the same list, which is made once.

    It is made beside the event loop, so that completions of this process do not wait for it.
    """

    def __init__(self) -> None:
        self._remembered: _Remembered | None = None

    async def of(
        self, snapshot: Snapshot, request: RoutingRequest, *, all_of_it: bool, in_anthropics: bool
    ) -> bytes:
        """The list as JSON, in OpenAI's shape or in Anthropic's; `all_of_it`: unusable ones too."""
        key = (request, all_of_it, in_anthropics)
        found = self._find(snapshot, key)
        if found is not None:
            return found
        return await beside(self._make, snapshot, key)

    async def prepare(self, snapshot: Snapshot) -> None:
        """Have at hand what every caller's list needs, which takes longest: the unlisted models."""
        await beside(_find_unlisted, snapshot)

    def _find(self, snapshot: Snapshot, key: _Key) -> bytes | None:
        held = self._remembered
        return held.lists.get(key) if held is not None and held.snapshot is snapshot else None

    def _make(self, snapshot: Snapshot, key: _Key) -> bytes:
        """Only in `beside`; `_remembered` is replaced as a whole, as the loop reads it."""
        found = self._find(snapshot, key)  # it may have been made since it was asked for
        if found is not None:
            return found
        held = self._remembered
        if held is None or held.snapshot is not snapshot:
            held = self._remembered = _Remembered(snapshot)
        request, all_of_it, in_anthropics = key
        some = entries(snapshot, request, all_of_it=all_of_it)
        made = anthropic_list(some) if in_anthropics else held.cards.list(some)
        held.size += len(made)
        while held.lists and held.size > _MAX_BYTES:
            held.size -= len(held.lists.pop(next(iter(held.lists))))
        held.lists[key] = made
        return made


def _find_unlisted(snapshot: Snapshot) -> None:
    for slug in SEEDS:
        provider = snapshot.providers_by_slug.get(slug)
        if provider is not None:
            snapshot.open_catalog.unlisted_at(provider)


@opener
async def open_lists(keeper: SnapshotKeeper) -> AsyncGenerator[Lists]:
    """Prepared for the catalog there is, and again for each that comes after it."""
    lists, is_changed = Lists(), asyncio.Event()
    is_changed.set()

    async def prepare() -> None:
        while True:
            await is_changed.wait()
            is_changed.clear()
            with suppress(NotReady):
                await lists.prepare(keeper.snapshot)

    keeper.on_change("catalogue", is_changed.set)
    preparing = asyncio.create_task(prepare(), name="models.prepare")
    try:
        yield lists
    finally:
        await end_tasks(preparing)
