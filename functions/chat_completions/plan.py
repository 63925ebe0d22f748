"""The choice that a request gets: made once for all that want the same, and remembered."""

from __future__ import annotations

from shared.auth.want import want_of
from shared.catalog.known_models import KnownModelsKeeper
from shared.routing.choose import Choice, as_remembered, choose
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Snapshot

__all__ = ["Planner", "want_of"]

_MAX_REMEMBERED = 4096


class Planner:
    """Equal wants against the same snapshot get the remembered choice: O(1) a request."""

    def __init__(self, known: KnownModelsKeeper) -> None:
        self._known = known
        self._snapshot: Snapshot | None = None
        self._choices: dict[RoutingRequest, Choice] = {}

    async def plan(self, snapshot: Snapshot, want: RoutingRequest) -> Choice:
        """Raises what `choose` raises. Waits only for a name that is not listed."""
        if snapshot is not self._snapshot or len(self._choices) > _MAX_REMEMBERED:
            self._snapshot = snapshot
            self._choices.clear()
        remembered = as_remembered(snapshot, want)
        choice = self._choices.get(remembered)
        if choice is None:
            known = await self._known.wanted(snapshot, want)
            choice = choose(snapshot, want, known)
            if snapshot is self._snapshot and known is None:
                self._choices[remembered] = choice
        return choice
