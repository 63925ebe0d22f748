"""How a model is shown: OpenAI's four fields, then price, limits, capabilities. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.auth.caller import Caller
from shared.routing.fit import Want, unfit
from shared.routing.snapshot import Model
from shared.wire.metadata import raw_usd


class Pricing(msgspec.Struct, frozen=True):
    """USD per million tokens, as exact numbers; null: the source names no such price."""

    input_usd_per_mtok: msgspec.Raw
    output_usd_per_mtok: msgspec.Raw
    cached_usd_per_mtok: msgspec.Raw
    source: str | None
    checked_at: datetime | None


class Capabilities(msgspec.Struct, frozen=True):
    streaming: bool
    function_calling: bool
    vision: bool
    json_mode: bool


class ModelCard(msgspec.Struct, frozen=True):
    """`usable`: this caller can use it now; `unusable_reason` is the router's word where not."""

    id: str
    created: int
    owned_by: str
    provider: str
    name: str
    description: str | None
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


_TOKENS_PER_MTOK = 10**6


def card(model: Model, caller: Caller) -> ModelCard:
    reason = unfit(
        model,
        Want(
            models=(),
            level=None,
            tier=caller.tier,
            keyed=frozenset({model.provider.slug}),
            allowed_models=caller.allowed_models,
        ),
    )
    return ModelCard(
        id=model.model_id,
        created=int(model.created_at.timestamp()),
        owned_by=model.provider.slug,
        provider=model.provider.slug,
        name=model.name,
        description=model.description,
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
        usable=reason is None,
        unusable_reason=None if reason is None else reason.value,
    )


def _pricing(model: Model) -> Pricing | None:
    if model.price is None:
        return None
    rates = model.price.base
    return Pricing(
        input_usd_per_mtok=raw_usd(rates.input * _TOKENS_PER_MTOK),
        output_usd_per_mtok=raw_usd(rates.output * _TOKENS_PER_MTOK),
        cached_usd_per_mtok=raw_usd(
            None if rates.cached is None else rates.cached * _TOKENS_PER_MTOK
        ),
        source=model.price_source,
        checked_at=model.price_checked_at,
    )
