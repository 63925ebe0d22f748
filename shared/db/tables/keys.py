"""Who may call, with whose key, and how much."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import SQLModel

from shared.db.tables import naming as naming
from shared.db.tables.columns import (
    count,
    flag,
    identity,
    moment,
    money,
    octets,
    reference,
    small,
    word_list,
    words,
)


class UserApiKey(SQLModel, table=True):
    """A caller's own provider key, sealed. total_* and last_used_at are counters, not settings.

    `use_policy` and `platform_fallback` are those of shared/routing/own_keys.py; `status` is
    unverified, ok, invalid, quota_exhausted or simulated.
    """

    __tablename__: ClassVar[Any] = "user_api_keys"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("user_id", "provider_id"),
        Index(None, "provider_id"),
        Index(None, "key_fingerprint"),
        Index(None, "encryption_key_id"),
        CheckConstraint(
            "status IN ('unverified', 'ok', 'invalid', 'quota_exhausted', 'simulated')",
            name="status",
        ),
        CheckConstraint("use_policy IN ('prefer', 'only', 'last_resort')", name="use_policy"),
        CheckConstraint(
            "platform_fallback IN ('never', 'on_rate_limit', 'always')", name="platform_fallback"
        ),
    )

    id: int = identity()
    user_id: str = words()
    provider_id: int = reference("llm_providers.id")
    key_name: str | None = words(null=True)
    encrypted_api_key: str = words()
    encryption_key_id: str | None = words(null=True)
    key_prefix: str | None = words(null=True)
    key_suffix: str | None = words(null=True)
    key_fingerprint: str | None = words(null=True)
    is_active: bool = flag(default=True)
    is_validated: bool = flag(default=False)
    validation_error: str | None = words(null=True)
    last_validated_at: datetime | None = moment(null=True)
    status: str = words(default="unverified")
    use_policy: str = words(default="prefer")
    platform_fallback: str = words(default="never")
    total_requests: int = count(default=0)
    total_tokens: int = count(default=0)
    total_cost_usd: Decimal = money(null=False, default=0)
    last_used_at: datetime | None = moment(null=True)
    created_ip: str | None = words(null=True)
    last_rotated_at: datetime | None = moment(null=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)


class AccessToken(SQLModel, table=True):
    """A token of this gateway: its SHA-256 (32 bytes) and what is shown of it, never itself.

    `made_with`: the id of the token that its user made it with, with which it ends.
    """

    __tablename__: ClassVar[Any] = "access_tokens"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("token_digest"),
        # An edit by hand that no process could read would take a token's every request down.
        CheckConstraint("tier IN ('free', 'starter', 'professional', 'enterprise')", name="tier"),
        CheckConstraint("role IN ('user', 'admin')", name="role"),
        Index(None, "user_id"),
        Index(None, "made_with", postgresql_where=text("made_with IS NOT NULL")),
        Index("ix_access_tokens_valid", "created_at", postgresql_where=text("revoked_at IS NULL")),
    )

    id: int = identity()
    token_digest: bytes = octets()
    token_prefix: str = words()
    token_suffix: str = words()
    name: str = words()
    user_id: str = words()
    team_id: str | None = words(null=True)
    tier: str = words()
    role: str = words()
    scopes: list[str] = word_list()
    allowed_models: list[str] | None = word_list(null=True)
    expires_at: datetime | None = moment(null=True)
    revoked_at: datetime | None = moment(null=True)
    rotated_to: int | None = count(null=True)
    made_with: int | None = count(null=True)
    last_used_at: datetime | None = moment(null=True)
    created_by: str | None = words(null=True)
    created_at: datetime = moment(now=True)


class Limit(SQLModel, table=True):
    """What one subject may use; a null is no limit.

    `scope` is token, user, team, tier, end_user, tag, model, credential or all; `subject` its id
    as text, or `*` for each one that has no row of its own. `on_budget` is refuse or step_down.
    """

    __tablename__: ClassVar[Any] = "limits"
    __table_args__: ClassVar[Any] = (UniqueConstraint("scope", "subject"),)

    id: int = identity()
    scope: str = words()
    subject: str = words()
    requests_per_minute: int | None = count(null=True)
    tokens_per_minute: int | None = count(null=True)
    concurrent_requests: int | None = small(null=True)
    budget_day_usd: Decimal | None = money()
    budget_month_usd: Decimal | None = money()
    is_soft: bool = flag(default=False)
    on_budget: str = words(default="refuse")
    counts_byok: bool = flag(default=False)
    time_zone: str = words(default="UTC")
    is_active: bool = flag(default=True)
    created_at: datetime = moment(now=True)
    updated_at: datetime = moment(now=True)


class BudgetEvent(SQLModel, table=True):
    """Of a budget 50, 80 or 100 percent were used in `period`, a day or a month.

    `queued_at`: when it came into the outbox of billing; null where nobody is told.
    """

    __tablename__: ClassVar[Any] = "budget_events"
    __table_args__: ClassVar[Any] = (Index(None, "created_at"),)

    event_id: str = words(key=True)
    limit_id: int = count()
    scope: str = words()
    subject: str = words()
    kind: str = words()
    period: str = words()
    percent: int = small()
    limit_usd: Decimal | None = money(null=False)
    created_at: datetime = moment(now=True)
    queued_at: datetime | None = moment(null=True)
