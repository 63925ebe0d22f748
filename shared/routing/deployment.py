"""One model at one provider, and what may be asked of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.pricing.price import Price


class Tier(StrEnum):
    """What a caller's plan allows, lowest first."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"

    @property
    def rank(self) -> int:
        return _TIER_RANK[self]

    def meets(self, required: Tier) -> bool:
        return self.rank >= required.rank


_TIER_RANK = {tier: rank for rank, tier in enumerate(Tier)}


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Opens(StrEnum):
    """Which models of a provider are served that no row lists.

    `listed`: none. `priced`: by the platform's key those with a price, by a caller's own key any.
    `any`: any by either.
    """

    LISTED = "listed"
    PRICED = "priced"
    ANY = "any"


class Kind(StrEnum):
    """What a model answers to. `other`: images, speech, or an API of its own."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    OTHER = "other"


class Provider(msgspec.Struct, frozen=True):
    id: int
    slug: str
    name: str
    base_url: str
    dialect: str
    auth_type: str
    litellm_prefix: str | None
    is_local: bool
    is_active: bool
    is_byok_supported: bool
    min_tier: Tier
    health: Health
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None
    sealed_system_key: str | None = None
    """The platform's key that an admin stored, as the vault sealed it."""
    opens: Opens = Opens.PRICED
    may_be_simulated: bool = True
    """False once the platform has a stored key at any built-in provider: one real key ends the
    simulation of all, as nobody could tell real answers from those made up."""


class Model(msgspec.Struct, frozen=True):
    """A deployment: one model at one provider. `model_id` is the id sent upstream.

    `id` is 0 where no row lists it (open_catalog.py). A kind and an ability of None are not known.
    """

    id: int
    provider: Provider
    model_id: str
    name: str
    description: str | None
    power_level: str | None
    power_level_priority: int
    max_tokens: int | None
    context_window: int | None
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    supports_json_mode: bool
    price: Price | None
    price_source: str | None
    price_checked_at: datetime | None
    is_active: bool
    is_deprecated: bool
    min_tier: Tier
    created_at: datetime
    kind: Kind | None = Kind.CHAT
    dimensions: int | None = None
    """Of an embedding."""
    takes_files: bool | None = None
    takes_audio: bool | None = None
    is_gone: bool = False
    """Whether its provider's own list of models lacks it."""
