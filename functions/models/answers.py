"""How a model is shown: to callers in OpenAI's shape with its costs, to an admin as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import msgspec

from functions.models.listing import Entry
from shared.catalog.aliases import AliasRow
from shared.catalog.models import ModelRow
from shared.pricing.price import PriceTier
from shared.routing.snapshot import Model
from shared.wire.metadata import raw_usd


class PriceFrom(msgspec.Struct, frozen=True):
    """Applies to the whole request when its prompt has at least this many tokens."""

    from_tokens: int
    input_usd_per_mtok: msgspec.Raw
    output_usd_per_mtok: msgspec.Raw
    cached_usd_per_mtok: msgspec.Raw
    cache_write_usd_per_mtok: msgspec.Raw


class Pricing(msgspec.Struct, frozen=True):
    """USD per million tokens, as exact numbers; null: the source names no such price.

    `tiers` is empty where the price is the same for a prompt of any length.
    """

    input_usd_per_mtok: msgspec.Raw
    output_usd_per_mtok: msgspec.Raw
    cached_usd_per_mtok: msgspec.Raw
    cache_write_usd_per_mtok: msgspec.Raw
    tiers: tuple[PriceFrom, ...]
    source: str | None
    checked_at: datetime | None


class Capabilities(msgspec.Struct, frozen=True):
    streaming: bool
    function_calling: bool
    vision: bool
    json_mode: bool


class ModelCard(msgspec.Struct, frozen=True):
    """`id` is what to ask for. `source`: listed, or catalog where the price catalog alone has it.
    `kind`: chat, embedding or other; null: not known. `dimensions` are those of an embedding.
    `usable`: this caller can use it now; `unusable_reason` is the router's word where not,
    or `gone`: its provider's own list of models lacks it, and who names it is let try.
    """

    id: str
    created: int
    owned_by: str
    provider: str
    source: str
    name: str
    description: str | None
    kind: str | None
    dimensions: int | None
    power_level: str | None
    context_window: int | None
    max_tokens: int | None
    pricing: Pricing | None
    capabilities: Capabilities
    min_tier: str
    is_deprecated: bool
    usable: bool
    unusable_reason: str | None
    object: str = "model"


class NameCard(msgspec.Struct, frozen=True):
    """A power level or an alias, by which one asks as by a model; `source` says which."""

    id: str
    source: str
    usable: bool
    unusable_reason: str | None
    created: int = 0
    owned_by: str = "switchyard"
    object: str = "model"


class PriceVersionCard(msgspec.Struct, frozen=True):
    """`prices` as model_prices keeps them: tiers of decimal strings, USD per million tokens."""

    version: int
    prices: dict[str, Any]
    source: str
    valid_from: datetime
    checked_at: datetime


class AdminModel(msgspec.Struct, frozen=True):
    """`price` is the newest version, used to bill requests from now on; null: unpriced."""

    id: int
    provider: str
    model_id: str
    name: str
    display_name: str | None
    description: str | None
    max_tokens: int | None
    context_window: int | None
    kind: str
    dimensions: int | None
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    supports_json_mode: bool
    power_level: str | None
    power_level_priority: int
    is_active: bool
    is_deprecated: bool
    deprecation_date: datetime | None
    replacement_model_id: str | None
    min_tier: str
    price: PriceVersionCard | None
    created_at: datetime
    updated_at: datetime


class DeletedModel(msgspec.Struct, frozen=True):
    id: int
    deleted: bool = True


class TargetCard(msgspec.Struct, frozen=True):
    """`weight` is its share among the targets of its alias."""

    target: str
    weight: int


class AliasCard(msgspec.Struct, frozen=True):
    """`target` is a name, or a list of names with weights."""

    name: str
    target: str | list[TargetCard]
    is_active: bool
    created_at: datetime
    updated_at: datetime


class DeletedAlias(msgspec.Struct, frozen=True):
    name: str
    deleted: bool = True


_TOKENS_PER_MTOK = 10**6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.encode


def admin_model(row: ModelRow) -> AdminModel:
    return msgspec.convert(row, AdminModel, from_attributes=True)


def alias_card(row: AliasRow) -> AliasCard:
    """A single target without a weight of its own is shown as the name it was sent as."""
    only = row.targets[0] if len(row.targets) == 1 else None
    targets = [TargetCard(one.target, one.weight) for one in row.targets]
    target = only.target if only is not None and only.weight == 1 else targets
    return AliasCard(row.name, target, row.is_active, row.created_at, row.updated_at)


def card(entry: Entry) -> bytes:
    """One entry as an object in OpenAI's shape."""
    return _encode(_name_card(entry) if entry.model is None else _card(entry.model, entry))


class Cards:
    """How the models of one snapshot are shown; of each everything but its name is made once."""

    def __init__(self) -> None:
        self._tails: dict[int, tuple[Model, bytes]] = {}

    def of(self, entry: Entry) -> bytes:
        """What `card` gives."""
        if entry.model is None or entry.why_not is not None:
            return card(entry)
        held = self._tails.get(id(entry.model))
        if held is None:
            whole = card(entry)
            # The model is held with it, so that its id is no other's.
            held = self._tails[id(entry.model)] = (entry.model, whole[whole.index(b',"created"') :])
        return b'{"id":' + _encode(entry.id) + held[1]

    def list(self, found: Iterable[Entry]) -> bytes:
        """OpenAI's list."""
        made = b",".join([self.of(one) for one in found])
        return b'{"data":[' + made + b'],"object":"list","next_cursor":null}'


def anthropic_list(found: Sequence[Entry]) -> bytes:
    """One page of all, as Anthropic's SDK reads it (anthropic 2.13.0, pagination.py, SyncPage)."""
    return _encode(
        {
            "data": [_anthropic_card(one) for one in found],
            "has_more": False,
            "first_id": found[0].id if found else None,
            "last_id": found[-1].id if found else None,
        }
    )


def anthropic_card(entry: Entry) -> bytes:
    return _encode(_anthropic_card(entry))


def _anthropic_card(entry: Entry) -> dict[str, str]:
    """anthropic 2.13.0, types/model_info.py; a date that is not known is the epoch, as it says."""
    created = entry.model.created_at if entry.model is not None else _EPOCH
    return {
        "type": "model",
        "id": entry.id,
        "display_name": entry.id if entry.model is None else entry.model.name,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _name_card(entry: Entry) -> NameCard:
    return NameCard(
        id=entry.id,
        source=entry.source,
        usable=entry.why_not is None,
        unusable_reason=entry.why_not,
    )


def _card(model: Model, entry: Entry) -> ModelCard:
    return ModelCard(
        id=entry.id,
        created=int(model.created_at.timestamp()),
        owned_by=model.provider.slug,
        provider=model.provider.slug,
        source=entry.source,
        name=model.name,
        description=model.description,
        kind=model.kind,
        dimensions=model.dimensions,
        power_level=model.power_level,
        context_window=model.context_window,
        max_tokens=model.max_tokens,
        pricing=_pricing(model),
        capabilities=Capabilities(
            streaming=model.supports_streaming,
            function_calling=model.supports_function_calling,
            vision=model.supports_vision,
            json_mode=model.supports_json_mode,
        ),
        min_tier=model.min_tier,
        is_deprecated=model.is_deprecated,
        usable=entry.why_not is None,
        unusable_reason=entry.why_not,
    )


def _pricing(model: Model) -> Pricing | None:
    if model.price is None:
        return None
    base, *tiers = (_price_from(tier) for tier in model.price.tiers)
    return Pricing(
        input_usd_per_mtok=base.input_usd_per_mtok,
        output_usd_per_mtok=base.output_usd_per_mtok,
        cached_usd_per_mtok=base.cached_usd_per_mtok,
        cache_write_usd_per_mtok=base.cache_write_usd_per_mtok,
        tiers=tuple(tiers),
        source=model.price_source,
        checked_at=model.price_checked_at,
    )


def _price_from(tier: PriceTier) -> PriceFrom:
    return PriceFrom(
        from_tokens=tier.start_tokens,
        input_usd_per_mtok=_per_mtok(tier.rates.input),
        output_usd_per_mtok=_per_mtok(tier.rates.output),
        cached_usd_per_mtok=_per_mtok(tier.rates.cached),
        cache_write_usd_per_mtok=_per_mtok(tier.rates.cache_write),
    )


def _per_mtok(pico_usd: int | Fraction | None) -> msgspec.Raw:
    return raw_usd(None if pico_usd is None else round(pico_usd * _TOKENS_PER_MTOK))
