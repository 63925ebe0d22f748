"""Models that the price catalog knows at a provider, listed here or not. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from shared.pricing.price import Price


class KnownModel(msgspec.Struct, frozen=True):
    """`names` in lower case are this model; so is any name that `pattern` is found in."""

    provider: str
    names: tuple[str, ...]
    pattern: str | None = None
    context_window: int | None = None
    price: Price | None = None


class KnownModels:
    """Finds a model by provider and name; of those whose pattern fits, the first given counts.

    Raises re.error for a pattern that is not valid.
    """

    def __init__(self, models: Iterable[KnownModel]) -> None:
        self._named: dict[tuple[str, str], KnownModel] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], KnownModel]]] = {}
        for model in models:
            for name in model.names:
                self._named.setdefault((model.provider, name), model)
            if model.pattern is not None:
                some = self._patterns.setdefault(model.provider, [])
                some.append((re.compile(model.pattern), model))

    def find(self, provider: str, name: str) -> KnownModel | None:
        """A name that is given outright comes before any pattern."""
        name = name.lower()
        found = self._named.get((provider, name))
        if found is not None:
            return found
        for pattern, model in self._patterns.get(provider, ()):
            if pattern.search(name):
                return model
        return None
