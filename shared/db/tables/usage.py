"""What was used: the log that billing reads, and what is derived from it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Date,
    Index,
    Sequence,
    String,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from shared.db.rollups import DAILY_KEYS
from shared.db.tables import naming as naming
from shared.db.tables.columns import (
    count,
    document,
    flag,
    identity,
    moment,
    money,
    octets,
    ratio,
    small,
    words,
)

# An identity column on a partitioned table needs PostgreSQL 17.
_LOG_IDS = Sequence("llm_usage_logs_id_seq", metadata=naming.metadata, data_type=BigInteger)


def _request_id(*, key: bool = False) -> Any:
    return Field(default=None, sa_column=Column(String(100), primary_key=key, nullable=False))


class LlmUsageLog(SQLModel, table=True):
    """One row a request that reached an upstream; its tries are in `attempts`.

    No foreign keys: rows outlive what they name. A null count or cost is unknown, which is not 0.
    Partitions (shared/ledger/partitions.py) are in a schema of their own.
    """

    __tablename__: ClassVar[Any] = "llm_usage_logs"
    __table_args__: ClassVar[Any] = (
        Index(None, "user_id", "created_at"),
        Index(None, "team_id", "created_at", postgresql_where=text("team_id IS NOT NULL")),
        Index(None, "provider_id", "created_at"),
        Index(None, "model_id", "created_at"),
        Index(
            None,
            "access_token_id",
            "created_at",
            postgresql_where=text("access_token_id IS NOT NULL"),
        ),
        Index(None, "user_key_id", "created_at", postgresql_where=text("user_key_id IS NOT NULL")),
        Index(None, "created_at"),
        Index(
            "ix_llm_usage_logs_indeterminate",
            "created_at",
            postgresql_where=text("state = 'indeterminate'"),
        ),
        # Of models that nobody listed the daily sums have no name.
        Index(
            "ix_llm_usage_logs_unlisted",
            "created_at",
            postgresql_where=text("model_id IS NULL"),
        ),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: int = Field(
        default=None,
        sa_column=Column(BigInteger, nullable=False, server_default=_LOG_IDS.next_value()),
    )
    request_id: str = _request_id(key=True)
    state: str = words(default="final")
    user_id: str = words()
    team_id: str | None = words(null=True)
    provider_id: int | None = count(null=True)
    model_id: int | None = count(null=True)
    model_requested: str | None = words(null=True)
    model_served: str | None = words(null=True)
    service_tier: str | None = words(null=True)
    is_simulated: bool = flag(default=False)
    user_key_id: int | None = count(null=True)
    access_token_id: int | None = count(null=True)
    power_level: str | None = words(null=True)
    task_type: str | None = words(null=True)
    prompt_tokens: int | None = count(null=True)
    completion_tokens: int | None = count(null=True)
    total_tokens: int | None = count(null=True)
    cached_tokens: int | None = count(null=True)
    cache_write_tokens: int | None = count(null=True)
    reasoning_tokens: int | None = count(null=True)
    cache_write_1h_tokens: int | None = count(null=True)
    prompt_audio_tokens: int | None = count(null=True)
    completion_audio_tokens: int | None = count(null=True)
    cost_input_usd: Decimal | None = money()
    cost_output_usd: Decimal | None = money()
    cost_total_usd: Decimal | None = money()
    cost_quality: str | None = words(null=True)
    price_version: int | None = small(null=True)
    provider_cost_usd: Decimal | None = money()
    used_byok: bool = flag(default=False)
    billed_to: str | None = words(null=True)
    latency_ms: int | None = small(null=True)
    ttft_ms: int | None = small(null=True)
    overhead_us: int | None = small(null=True)
    tokens_per_second: Decimal | None = ratio()
    status_code: int | None = small(null=True)
    error_message: str | None = words(null=True)
    was_fallback: bool = flag(default=False)
    fallback_reason: str | None = words(null=True)
    attempts: list[dict[str, Any]] | None = document(null=True, default="[]")
    lago_event_id: str | None = words(null=True)
    billed_at: datetime | None = moment(null=True)
    request_ip: str | None = words(null=True)
    user_agent: str | None = words(null=True)
    session_id: str | None = words(null=True)
    cost_estimated_usd: Decimal | None = money()
    error_detail: str | None = words(null=True)
    end_user: str | None = words(null=True)
    tags: list[str] | None = document(null=True)
    endpoint: str | None = words(null=True)
    catalog_version: int | None = count(null=True)
    routing_facts: bytes | None = octets(null=True)
    trace_id: str | None = words(null=True)
    parent_span_id: str | None = words(null=True)
    trace_flags: int | None = small(null=True)
    overrun_usd: Decimal | None = money()
    quote_id: str | None = words(null=True)
    created_at: datetime = moment(key=True)


class UsageDaily(SQLModel, table=True):
    """Sums of llm_usage_logs by UTC day, written in the transaction of the rows they sum.

    `cost_total_usd` is what rows were charged when they were written; `adjustments_usd` sums what
    usage_adjustments later added to rows of that day. `repriced_requests` were among the
    `unpriced_requests`.
    """

    __tablename__: ClassVar[Any] = "usage_daily"
    __table_args__: ClassVar[Any] = (
        Index(
            "uq_usage_daily_key",
            "day",
            *DAILY_KEYS,
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "user_id", "day"),
        Index(None, "team_id", "day", postgresql_where=text("team_id IS NOT NULL")),
        Index(None, "access_token_id", "day", postgresql_where=text("access_token_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "60"}},
    )

    id: int = identity()
    day: date = Field(default=None, sa_column=Column(Date, nullable=False))
    user_id: str = words()
    team_id: str | None = words(null=True)
    provider_id: int | None = count(null=True)
    model_id: int | None = count(null=True)
    power_level: str | None = words(null=True)
    access_token_id: int | None = count(null=True)
    user_key_id: int | None = count(null=True)
    billed_to: str | None = words(null=True)
    is_simulated: bool = flag(default=False)
    requests: int = count(default=0)
    indeterminate_requests: int = count(default=0)
    unpriced_requests: int = count(default=0)
    estimated_requests: int = count(default=0)
    provider_reported_requests: int = count(default=0)
    repriced_requests: int = count(default=0)
    prompt_tokens: int = count(default=0)
    completion_tokens: int = count(default=0)
    total_tokens: int = count(default=0)
    cached_tokens: int = count(default=0)
    cache_write_tokens: int = count(default=0)
    reasoning_tokens: int = count(default=0)
    cost_total_usd: Decimal = money(precision=30, null=False, default=0)
    adjustments_usd: Decimal = money(precision=30, null=False, default=0)


class UsageAdjustment(SQLModel, table=True):
    """A correction of a row's cost: the row itself is never edited.

    `price_version` is the one that the row costs now, `amount_usd` what that adds to the row and
    its earlier adjustments.
    """

    __tablename__: ClassVar[Any] = "usage_adjustments"
    __table_args__: ClassVar[Any] = (Index(None, "request_id"), Index(None, "created_at"))

    id: int = identity()
    request_id: str = _request_id()
    usage_created_at: datetime = moment()
    amount_usd: Decimal = money(null=False)
    price_version: int | None = small(null=True)
    reason: str = words()
    created_by: str | None = words(null=True)
    created_at: datetime = moment(now=True)


class UsageOutbox(SQLModel, table=True):
    """What billing has still to be told; written in the transaction of the row it is about.

    One event a row of usage, and one an adjustment of it. `failed_at`: given up until it is
    replayed by hand.
    """

    __tablename__: ClassVar[Any] = "usage_outbox"
    __table_args__: ClassVar[Any] = (
        Index(
            "uq_usage_outbox_event",
            "request_id",
            "adjustment_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "ix_usage_outbox_due",
            "next_attempt_at",
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        Index(
            "ix_usage_outbox_failed", "failed_at", postgresql_where=text("failed_at IS NOT NULL")
        ),
    )

    id: int = identity()
    request_id: str = _request_id()
    adjustment_id: int | None = count(null=True)
    usage_created_at: datetime = moment()
    created_at: datetime = moment(now=True)
    sent_at: datetime | None = moment(null=True)
    failed_at: datetime | None = moment(null=True)
    send_attempts: int = small(default=0)
    next_attempt_at: datetime = moment(now=True)
    last_error: str | None = words(null=True)


# The first UUIDv7 of a payload: a record begins with its id, behind 10 bytes of framing at most.
_PAYLOAD_ID = (
    '"substring"(encode("substring"(payload, 1, 64), \'escape\'),'
    " '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}')"
)


class UsageQuarantine(SQLModel, table=True):
    """A record that could not be written, whole, with why; resolved by hand.

    `request_id` is made of the payload, whoever writes it; null where that is no record.
    """

    __tablename__: ClassVar[Any] = "usage_quarantine"
    __table_args__: ClassVar[Any] = (
        Index(
            "ix_usage_quarantine_open", "created_at", postgresql_where=text("resolved_at IS NULL")
        ),
        Index(
            "ix_usage_quarantine_request_id",
            "request_id",
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(None, "stream_id"),
    )

    id: int = identity()
    stream_id: str = words()
    payload: bytes = octets()
    error: str = words()
    created_at: datetime = moment(now=True)
    resolved_at: datetime | None = moment(null=True)
    request_id: str | None = Field(
        default=None, sa_column=Column(Text, Computed(_PAYLOAD_ID, persisted=True))
    )
