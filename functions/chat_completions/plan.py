"""The choice that a request gets: made once for all that want the same, and remembered."""

from __future__ import annotations

import msgspec

from shared.auth.want import want_of
from shared.catalog.known_models import KnownModelsKeeper
from shared.routing.choose import Choice, choose
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
        if want.max_cost_pico_usd is None:
            # A bound on the cost is held to the token; else few wants are few choices.
            rounded = snapshot.rounded_up(want.prompt_tokens)
            want = msgspec.structs.replace(want, prompt_tokens=rounded)
        choice = self._choices.get(want)
        if choice is None:
            known = await self._known.wanted(snapshot, want)
            choice = choose(snapshot, want, known)
            if snapshot is self._snapshot:
                self._choices[want] = choice
        return choice
