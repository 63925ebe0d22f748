"""Models that the price catalog knows at a provider, listed here or not. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

import msgspec

from shared.pricing.price import Price
from shared.routing.deployment import Kind

# A dated release, the newest of a name, or a variant of it.
_VERSION = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2}|-latest|@\w+|:[\w-]*)$")


# BAAI's, Alibaba's and Microsoft's say so by their families alone.
_EMBEDS = re.compile(r"^(?!.*rerank).*(embed|(^|[/-])(bge|gte|e5)-|minilm|m2-bert)")


def kind_named(model_id: str) -> Kind | None:
    """The kind of a model that nobody describes, where its name tells."""
    return Kind.EMBEDDING if _EMBEDS.search(model_id.lower()) else None


def versions_of(model_id: str) -> Iterator[str]:
    """The id, and then the ids of which it is a dated release or a variant."""
    yield model_id
    while (shorter := _VERSION.sub("", model_id)) != model_id:
        model_id = shorter
        yield model_id


class Facts(msgspec.Struct, frozen=True):
    """What a model is and can do; None is not known, and is held against nobody.

    `id` is how its provider spells it.
    """

    id: str
    kind: Kind | None = None
    context_window: int | None = None
    max_tokens: int | None = None
    dimensions: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    json: bool | None = None
    files: bool | None = None
    audio: bool | None = None
    effort: bool | None = None


class KnownModel(msgspec.Struct, frozen=True):
    """`names` in lower case are this model; so is any name that `pattern` is found in.

    `ids` are what goes upstream, the one it is known by first. `source` and `checked_at` are those
    of its price.
    """

    provider: str
    names: tuple[str, ...]
    pattern: str | None = None
    context_window: int | None = None
    price: Price | None = None
    ids: tuple[str, ...] = ()
    source: str | None = None
    checked_at: datetime | None = None

    def id_of(self, name: str) -> str:
        """What goes upstream for `name`, which is this model in some spelling."""
        folded = name.lower()
        return next((one for one in self.ids if one.lower() == folded), folded)


class KnownModels:
    """Finds a model by provider and name; of those whose pattern fits, the first given counts.

    `facts` are by provider and id in lower case; of what they alone have there is no price.
    `version` tells one copy of the catalog from another. Raises re.error for a pattern that is not
    valid.
    """

    def __init__(
        self,
        models: Iterable[KnownModel] = (),
        facts: Mapping[tuple[str, str], Facts] | None = None,
        version: object = None,
    ) -> None:
        self.version = version
        self._facts = facts or {}
        self._named: dict[tuple[str, str], KnownModel] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], KnownModel]]] = {}
        self._all: dict[str, list[KnownModel]] = {}
        windows: set[int] = set()
        for model in chain(models, self._without_price()):
            self._all.setdefault(model.provider, []).append(model)
            if model.context_window is not None:
                windows.add(model.context_window)
            for name in model.names:
                self._named.setdefault((model.provider, name), model)
            if model.pattern is not None:
                some = self._patterns.setdefault(model.provider, [])
                some.append((re.compile(model.pattern), model))
        self.context_windows = frozenset(windows)

    def at(self, provider: str) -> Iterator[KnownModel]:
        """All that are known there, in the catalog's order."""
        return iter(self._all.get(provider, ()))

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

    def facts_of(self, provider: str, name: str) -> Facts | None:
        """Of a dated release or a variant that nobody describes: those of the model itself."""
        for spelled in versions_of(name.lower()):
            found = self._facts.get((provider, spelled))
            if found is not None:
                return found
        return None

    def _without_price(self) -> Iterator[KnownModel]:
        """Comes last: looked at once those with a price are known."""
        for (provider, name), facts in self._facts.items():
            if self.find(provider, name) is None:
                yield KnownModel(provider, (name,), ids=(facts.id,))
