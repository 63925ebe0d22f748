"""What providers themselves list as their models, as the last health check was told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shared.routing.known_models import Facts, versions_of


class Offers:
    """`lists` are by provider's slug. An empty one says nothing."""

    def __init__(self, lists: Mapping[str, Iterable[Facts]] | None = None) -> None:
        self._lists = {
            slug: {one.id.lower(): one for one in models} for slug, models in (lists or {}).items()
        }

    @property
    def context_windows(self) -> frozenset[int]:
        every = (one.context_window for listed in self._lists.values() for one in listed.values())
        return frozenset(window for window in every if window is not None)

    def lacks(self, provider: str, model_id: str) -> bool:
        """Whether there is a list without the model, and without any dated release of it.

        Not all that a provider serves is in its list, so that is a mark and no proof.
        """
        listed = self._lists.get(provider)
        if not listed:
            return False
        names = list(versions_of(model_id.lower()))
        return not any(name in listed for name in names) and not any(
            versioned.startswith(f"{names[-1]}-") for versioned in listed
        )

    def added_to(self, facts: Facts, provider: str) -> Facts:
        """`facts` with what the provider says of the model, which wins."""
        said = self._lists.get(provider, {}).get(facts.id.lower())
        if said is None:
            return facts
        known = {
            name: value for name, value in msgspec.structs.asdict(said).items() if value is not None
        }
        return msgspec.structs.replace(facts, **{**known, "id": facts.id})
