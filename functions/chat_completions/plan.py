"""The choice that a request gets: made once for all that want the same, and remembered."""

from __future__ import annotations

from shared.auth.want import want_of
from shared.routing.choose import Choice, choose
from shared.routing.fit import Want
from shared.routing.snapshot import Snapshot

__all__ = ["Planner", "want_of"]

_MAX_REMEMBERED = 4096


class Planner:
    """Equal wants against the same snapshot get the remembered choice: O(1) a request."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._choices: dict[Want, Choice] = {}

    def plan(self, snapshot: Snapshot, want: Want) -> Choice:
        """Raises what `choose` raises."""
        if snapshot is not self._snapshot or len(self._choices) > _MAX_REMEMBERED:
            self._snapshot = snapshot
            self._choices.clear()
        choice = self._choices.get(want)
        if choice is None:
            choice = self._choices[want] = choose(snapshot, want)
        return choice
