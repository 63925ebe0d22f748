"""A small catalog for routing laws: the seed's shape, with every value open to change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.pricing.price import Price, PriceTier, Rates
from shared.routing.known_models import KnownModels
from shared.routing.snapshot import (
    Fallback,
    Health,
    Model,
    PowerLevel,
    Provider,
    Rule,
    Snapshot,
    Tier,
    build_snapshot,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def provider(id: int, slug: str, **changes: Any) -> Provider:  # noqa: A002
    plain = Provider(
        id=id,
        slug=slug,
        name=slug.title(),
        base_url=f"https://{slug}.example/v1",
        dialect="openai",
        auth_type="bearer",
        litellm_prefix=slug,
        is_local=False,
        is_active=True,
        is_byok_supported=True,
        min_tier=Tier.FREE,
        health=Health.UNKNOWN,
        health_reason=None,
        health_last_checked=None,
        health_response_time_ms=None,
    )
    return msgspec.structs.replace(plain, **changes)


def price(input_usd: float, output_usd: float) -> Price:
    rates = Rates(input=round(input_usd * 10**6), output=round(output_usd * 10**6))
    return Price(version=1, tiers=(PriceTier(0, rates),))


def model(id: int, at: Provider, name: str, level: str | None, **changes: Any) -> Model:  # noqa: A002
    plain = Model(
        id=id,
        provider=at,
        model_id=name,
        name=name,
        description=None,
        power_level=level,
        power_level_priority=0,
        max_tokens=8000,
        context_window=128_000,
        supports_streaming=True,
        supports_function_calling=True,
        supports_vision=True,
        supports_json_mode=True,
        price=price(1, 4),
        price_source="test",
        price_checked_at=NOW,
        is_active=True,
        is_deprecated=False,
        min_tier=Tier.FREE,
        created_at=NOW,
    )
    return msgspec.structs.replace(plain, **changes)


def rule(id: int, of: Model, level: str, **changes: Any) -> Rule:  # noqa: A002
    plain = Rule(
        id=id,
        model=of,
        power_level=level,
        tier=None,
        task_type=None,
        priority=0,
        weight=100,
        min_tokens=None,
        max_tokens=None,
        requires_byok=False,
        is_fallback=False,
        fallback_order=0,
    )
    return msgspec.structs.replace(plain, **changes)


def level(name: str, rank: int, ceiling_usd: float, fallback: Fallback) -> PowerLevel:
    return PowerLevel(
        name=name,
        rank=rank,
        price_ceiling=round(ceiling_usd * 10**6),
        fallback=fallback,
        default_max_tokens=None,
        default_temperature=None,
    )


LEVELS = (
    level("eco", 0, 0.60, Fallback.ANY),
    level("balanced", 1, 4, Fallback.ANY),
    level("precision", 2, 20, Fallback.LEVEL),
)

SLUGS = ("openai", "anthropic", "google", "groq", "openrouter")

OPENAI = provider(1, "openai")
ANTHROPIC = provider(2, "anthropic")
GOOGLE = provider(3, "google")
GROQ = provider(4, "groq")

OSS = model(1, GROQ, "openai/gpt-oss-20b", "eco", price=price(0.075, 0.30))
TERRA = model(2, OPENAI, "gpt-6.1-terra", "balanced", price=price(1, 5), power_level_priority=10)
FLASH = model(3, GOOGLE, "gemini-3.8-flash", "balanced", price=price(0.75, 3.75))
OPUS = model(4, ANTHROPIC, "claude-opus-5-5", "precision", price=price(4, 20))
MODELS = (OSS, TERRA, FLASH, OPUS)

RULES = (
    rule(1, OSS, "eco", tier=Tier.FREE),
    rule(2, TERRA, "balanced", tier=Tier.PROFESSIONAL),
    rule(3, OPUS, "precision", tier=Tier.PROFESSIONAL),
)


def snapshot(
    models: tuple[Model, ...] = MODELS,
    rules: tuple[Rule, ...] = RULES,
    levels: tuple[PowerLevel, ...] = LEVELS,
    known: KnownModels | None = None,
    more_providers: tuple[Provider, ...] = (),
) -> Snapshot:
    """`rules` follow changed models by id, and providers are those of the models, and more."""
    by_id = {one.id: one for one in models}
    kept = tuple(
        msgspec.structs.replace(one, model=by_id[one.model.id])
        for one in rules
        if one.model.id in by_id
    )
    providers = {one.provider.id: one.provider for one in models}
    providers |= {one.id: one for one in more_providers}
    return build_snapshot(tuple(providers.values()), models, kept, levels, known=known)
