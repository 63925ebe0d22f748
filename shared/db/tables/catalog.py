"""Who serves which model, at what price, for which power level."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import SQLModel

from shared.db.tables import naming as naming
from shared.db.tables.columns import (
    count,
    document,
    flag,
    identity,
    moment,
    money,
    ratio,
    reference,
    small,
    word_list,
    words,
)
from shared.wire.provider import OPENAI


class LlmProvider(SQLModel, table=True):
    """An upstream. `opens` says which models are served that no row lists: `listed` (none),
    `priced` or `any`; `offered_models` is its own list of models, as the health check was given it
    (shared/wire/model_list.py). `is_active` is an admin's switch; of the rest the health check
    writes health_* alone, and system_key_status, _reason and _checked_at, which are about the
    platform's key wherever it comes from. The other system_key_* columns are about the one that an
    admin stored.
    """

    __tablename__: ClassVar[Any] = "llm_providers"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("provider_name"),
        UniqueConstraint("provider_slug"),
        CheckConstraint("opens IN ('listed', 'priced', 'any')", name="opens"),
        Index("ix_llm_providers_active", "provider_name", postgresql_where=text("is_active")),
    )

    id: int = identity()
    provider_name: str = words()
    provider_slug: str = words()
    display_name: str | None = words(null=True)
    description: str | None = words(null=True)
    base_url: str = words()
    dialect: str = words(default=OPENAI)
    auth_type: str = words(default="bearer")
    litellm_prefix: str | None = words(null=True)
    is_local: bool = flag(default=False)
    supports_streaming: bool = flag(default=True)
    supports_function_calling: bool = flag(default=True)
    supports_vision: bool = flag(default=False)
    rate_limit_rpm: int | None = small(null=True)
    rate_limit_tpm: int | None = count(null=True)
    rate_limit_rpd: int | None = small(null=True)
    is_active: bool = flag(default=True)
    is_byok_supported: bool = flag(default=True)
    is_system_provider: bool = flag(default=False)
    encrypted_system_key: str | None = words(null=True)
    system_key_status: str = words(default="unverified")
    system_key_reason: str | None = words(null=True)
    system_key_checked_at: datetime | None = moment(null=True)
    system_key_suffix: str | None = words(null=True)
    system_key_fingerprint: str | None = words(null=True)
    system_key_encryption_key_id: str | None = words(null=True)
    api_key_format: str | None = words(null=True)
    documentation_url: str | None = words(null=True)
    pricing_url: str | None = words(null=True)
    status_page_url: str | None = words(null=True)
    health_status: str = words(default="unknown")
    health_last_checked: datetime | None = moment(null=True)
    health_response_time_ms: int | None = small(null=True)
    health_reason: str | None = words(null=True)
    min_tier_required: str = words(default="free")
    opens: str = words(default="priced")
    offered_models: list[dict[str, Any]] | None = document(null=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)


class LlmModel(SQLModel, table=True):
    """One model at one provider. cost_per_1m_* repeat the base tier of its newest price.

    `kind` is what it answers to, `dimensions` are those of an embedding.
    """

    __tablename__: ClassVar[Any] = "llm_models"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("kind IN ('chat', 'embedding', 'other')", name="kind"),
        Index(None, "provider_id", "model_id"),
        Index(None, "model_id"),
        Index(
            "ix_llm_models_active_by_level",
            "power_level",
            text("power_level_priority DESC"),
            "id",
            postgresql_where=text("is_active AND NOT is_deprecated"),
        ),
    )

    id: int = identity()
    provider_id: int = reference("llm_providers.id")
    model_name: str = words()
    model_id: str = words()
    display_name: str | None = words(null=True)
    description: str | None = words(null=True)
    max_tokens: int | None = count(null=True)
    context_window: int | None = count(null=True)
    supports_streaming: bool = flag(default=True)
    supports_function_calling: bool = flag(default=False)
    supports_vision: bool = flag(default=False)
    supports_json_mode: bool = flag(default=False)
    cost_per_1m_input_tokens: Decimal | None = money()
    cost_per_1m_output_tokens: Decimal | None = money()
    cost_per_1m_tokens_cached: Decimal | None = money()
    cost_per_1m_tokens_cache_write: Decimal | None = money()
    price_source: str | None = words(null=True)
    price_checked_at: datetime | None = moment(null=True)
    power_level: str | None = words(null=True)
    power_level_priority: int = small(default=0)
    is_active: bool = flag(default=True)
    is_deprecated: bool = flag(default=False)
    deprecation_date: datetime | None = moment(null=True)
    replacement_model_id: str | None = words(null=True)
    min_tier_required: str = words(default="free")
    avg_latency_ms: int | None = small(null=True)
    avg_tokens_per_second: Decimal | None = ratio()
    kind: str = words(default="chat")
    dimensions: int | None = count(null=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)


class LlmRoutingRule(SQLModel, table=True):
    """This model serves this level, for callers of `user_tier` (`all`: any) and up."""

    __tablename__: ClassVar[Any] = "llm_routing_rules"
    __table_args__: ClassVar[Any] = (
        Index(None, "model_id"),
        Index(
            "ix_llm_routing_rules_active_by_level",
            "power_level",
            text("priority DESC"),
            "id",
            postgresql_where=text("is_active"),
        ),
    )

    id: int = identity()
    model_id: int = reference("llm_models.id", ondelete="CASCADE")
    power_level: str = words()
    user_tier: str = words(default="all")
    task_type: str | None = words(null=True)
    priority: int = small(default=0)
    weight: int = small(default=100)
    min_tokens: int | None = count(null=True)
    max_tokens: int | None = count(null=True)
    requires_byok: bool = flag(default=False)
    is_fallback: bool = flag(default=False)
    fallback_order: int | None = small(null=True)
    is_active: bool = flag(default=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)


class PowerLevel(SQLModel, table=True):
    """The ceiling is on a model's blended price: three parts input, one part output.

    `fallback` is that of shared/routing/snapshot.py. It took the place of `may_change_level`, which
    stays until no process of the last release reads it.
    """

    __tablename__: ClassVar[Any] = "power_levels"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("fallback IN ('rules', 'level', 'any')", name="fallback"),
    )

    name: str = words(key=True)
    rank: int = small()
    price_ceiling_usd_per_mtok: Decimal = money(null=False)
    ttft_target_ms: int = small()
    may_change_level: bool = flag(default=False)
    default_max_tokens: int | None = small(null=True)
    default_temperature: Decimal | None = ratio()
    fallback: str = words(default="level")
    updated_at: datetime = moment(now=True)


class ModelPrice(SQLModel, table=True):
    """One version of a model's price, kept for ever: rows of the usage log name it.

    `prices` is {"tiers": [{"start_tokens": 0, "input": "0.075", "output": "0.30",
    "cached": "0.0375" or null, "cache_write": null}, ...]}: USD per million tokens as decimal
    strings, ordered by start_tokens, each tier holding for the whole of a request whose prompt
    has that many tokens or more. A tier may also price `cache_write_1h`, `audio_input`,
    `cached_audio`, `audio_output` and `reasoning`; a part without a price is charged as what it is
    part of. "service_tiers" may hold the same by the provider's word for a tier:
    {"flex": {"tiers": [...]}}.
    """

    __tablename__: ClassVar[Any] = "model_prices"
    __table_args__: ClassVar[Any] = (UniqueConstraint("model_id", "version"),)

    id: int = identity()
    model_id: int = reference("llm_models.id", ondelete="CASCADE")
    version: int = small()
    valid_from: datetime = moment()
    source: str = words()
    checked_at: datetime = moment()
    prices: dict[str, Any] = document()


class KnownModel(SQLModel, table=True):
    """What the price catalog knows at a provider, listed here or not: a copy, never edited.

    By id the first that fits counts. `names` are in lower case; `pattern` is a regular expression
    that is looked for in a name in lower case; `prices` is that of model_prices. `model_ids` are
    what goes upstream, the one it is known by first.
    """

    __tablename__: ClassVar[Any] = "known_models"
    __table_args__: ClassVar[Any] = (Index(None, "provider_slug"),)

    id: int = identity()
    provider_slug: str = words()
    names: list[str] = word_list()
    pattern: str | None = words(null=True)
    context_window: int | None = count(null=True)
    prices: dict[str, Any] | None = document(null=True)
    source: str = words()
    checked_at: datetime = moment()
    model_ids: list[str] | None = word_list(null=True)


class ModelAlias(SQLModel, table=True):
    """A name that stands for others. `targets` is [{"target": "eco", "weight": 1}, ...]."""

    __tablename__: ClassVar[Any] = "model_aliases"

    name: str = words(key=True)
    targets: list[dict[str, Any]] = document()
    is_active: bool = flag(default=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)
