"""Models that no row lists, as the deployments that a provider's key opens. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter

import msgspec

from shared.routing.deployment import Model, Opens, Provider, Tier
from shared.routing.known_models import (
    Facts,
    KnownModel,
    KnownModels,
    kind_named,
    versions_of,
)
from shared.routing.offers import Offers
from shared.wire.providers import provider_of

UNLISTED = 0
"""The id of a model that is in no row of llm_models."""

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_REMEMBERED = 4096


class OpenCatalog:
    """What is known of models beside the rows of llm_models, by provider and name.

    `rows` restrict their kin: a dated release or another spelling of a listed model is switched
    off with it, and takes the same tier.
    """

    def __init__(
        self, known: KnownModels, rows: Sequence[Model], offers: Offers | None = None
    ) -> None:
        self.known = known
        self._offers = offers or Offers()
        self._all_rows = rows
        self._rows: dict[tuple[int, str], list[Model]] = {}
        for row in rows:
            self._rows.setdefault((row.provider.id, row.model_id.lower()), []).append(row)
        self._found: dict[tuple[str, str], Model | None] = {}
        self._unlisted: dict[str, tuple[Model, ...]] = {}
        self._names: list[tuple[str, str, Model]] | None = None

    def find(self, provider: Provider, name: str) -> Model | None:
        """The deployment of `name` at `provider`; None where the catalog does not know it there."""
        asked = (provider.slug, name)
        if asked not in self._found:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            self._found[asked] = self._find(provider, name)
        return self._found[asked]

    def unknown(self, provider: Provider, name: str) -> Model:
        """A deployment of which nothing is known, so nothing is held against it."""
        return self._deployment(provider, name)

    def unlisted_at(self, provider: Provider) -> tuple[Model, ...]:
        """Every model that the catalog knows at `provider` and no row lists, opened or not."""
        if provider.slug not in self._unlisted:
            self._unlisted[provider.slug] = tuple(
                model
                for known in self.known.at(provider.slug)
                if known.ids
                and (model := self._find(provider, known.ids[0])) is not None
                and not self.rows_of(provider, model.model_id)
            )
        return self._unlisted[provider.slug]

    def names_near(
        self, name: str, providers: Iterable[Provider], most: int
    ) -> Iterator[tuple[str, Model]]:
        """Up to `most` names on either side of `name` in the alphabet that begin with its first two
        letters, each with what it names: ids, and ids behind a provider's slug, listed or not.
        """
        if self._names is None:
            self._names = self._every_name(providers)
        names, start = self._names, name[:2].lower()
        here = bisect_left(names, name.lower(), key=itemgetter(0))
        for side in (range(here, min(here + most, len(names))), range(here - 1, here - most, -1)):
            for at in side:
                if at < 0 or not names[at][0].startswith(start):
                    break
                yield names[at][1:]

    def _every_name(self, providers: Iterable[Provider]) -> list[tuple[str, str, Model]]:
        unlisted = (model for one in providers for model in self.unlisted_at(one))
        named = (
            (name.lower(), name, model)
            for model in chain(self._all_rows, unlisted)
            for name in (model.model_id, f"{model.provider.slug}/{model.model_id}")
        )
        return sorted(named, key=itemgetter(0, 1))

    def _find(self, provider: Provider, name: str) -> Model | None:
        shape = provider_of(provider.slug)
        for spelled in dict.fromkeys((name, shape.model_id_prefix + name)):
            known = self.known.find(provider.slug, spelled)
            if known is not None and shape.sells(spelled.lower()):
                return self._deployment(provider, known.id_of(spelled), known)
        return None

    def _deployment(
        self, provider: Provider, model_id: str, known: KnownModel | None = None
    ) -> Model:
        kin = self._kin(provider, model_id)
        facts = self.known.facts_of(provider.slug, model_id) or Facts(model_id)
        facts = self._offers.added_to(msgspec.structs.replace(facts, id=model_id), provider.slug)
        return Model(
            id=UNLISTED,
            provider=provider,
            model_id=model_id,
            name=model_id,
            description=None,
            power_level=None,
            power_level_priority=0,
            max_tokens=facts.max_tokens,
            context_window=facts.context_window or (known and known.context_window),
            supports_streaming=True,
            supports_function_calling=facts.tools is not False,
            supports_vision=facts.vision is not False,
            supports_json_mode=facts.json is not False,
            price=known.price if known else None,
            price_source=known.source if known and known.price else None,
            price_checked_at=known.checked_at if known and known.price else None,
            is_active=all(one.is_active for one in kin),
            is_deprecated=False,
            min_tier=max((one.min_tier for one in kin), key=_rank, default=Tier.FREE),
            created_at=_NO_DATE,
            kind=facts.kind or kind_named(model_id),
            dimensions=facts.dimensions,
            takes_files=facts.files,
            takes_audio=facts.audio,
            is_gone=self._offers.lacks(provider.slug, model_id),
        )

    def _kin(self, provider: Provider, model_id: str) -> list[Model]:
        """Rows that list the model itself in another spelling, or without its date."""
        return [row for one in versions_of(model_id) for row in self.rows_of(provider, one)]

    def rows_of(self, provider: Provider, model_id: str) -> list[Model]:
        """Rows of the model at `provider`, however the id is spelled."""
        return self._rows.get((provider.id, model_id.lower()), [])


def is_opened(model: Model) -> bool:
    """Whether the platform's key serves it though no row lists it."""
    opens = model.provider.opens
    return opens is Opens.ANY or (opens is Opens.PRICED and model.price is not None)


def _rank(tier: Tier) -> int:
    return tier.rank
