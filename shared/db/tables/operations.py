"""What the system notes about itself."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index, SmallInteger, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.db.tables import naming as naming
from shared.db.tables.columns import (
    count,
    document,
    identity,
    moment,
    reference,
    small,
    words,
)


class ProviderHealthCheck(SQLModel, table=True):
    """The history behind llm_providers.health_*, and the verdict that each check led to.

    `outcome` is `answered`, `failed`, or `not_judged` where our own network was at fault; `run`
    is the run of the job that made the check, whose rows are written together.
    """

    __tablename__: ClassVar[Any] = "provider_health_checks"
    __table_args__: ClassVar[Any] = (
        Index(None, "provider_id", "checked_at"),
        Index(None, "checked_at"),
    )

    id: int = identity()
    provider_id: int = reference("llm_providers.id", ondelete="CASCADE")
    checked_at: datetime = moment(now=True)
    status: str = words()
    response_time_ms: int | None = small(null=True)
    status_code: int | None = small(null=True)
    reason: str | None = words(null=True)
    outcome: str = words(default="answered")
    run: str | None = words(null=True)


class DeadLetter(SQLModel, table=True):
    """A job that was given up, as it was queued: the queue itself keeps it for a day only."""

    __tablename__: ClassVar[Any] = "dead_letters"
    __table_args__: ClassVar[Any] = (UniqueConstraint("message_id"), Index(None, "created_at"))

    id: int = identity()
    message_id: str = words()
    queue: str = words()
    actor: str = words()
    message: dict[str, Any] = document()
    reason: str = words()
    created_at: datetime = moment(now=True)


class AuditEvent(SQLModel, table=True):
    """Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE. `details` holds no secret."""

    __tablename__: ClassVar[Any] = "audit_events"
    __table_args__: ClassVar[Any] = (
        Index(None, "created_at"),
        Index(None, "actor", "created_at"),
        Index(None, "target_type", "target_id", "created_at"),
    )

    id: int = identity()
    created_at: datetime = moment(now=True)
    actor: str = words()
    action: str = words()
    target_type: str = words()
    target_id: str | None = words(null=True)
    fingerprint: str | None = words(null=True)
    address: str | None = words(null=True)
    request_id: str | None = words(null=True)
    details: dict[str, Any] | None = document(null=True)


class JobRun(SQLModel, table=True):
    """Whoever inserts (name, tick) first runs that tick; `tick` is the job's planned time."""

    __tablename__: ClassVar[Any] = "job_runs"
    __table_args__: ClassVar[Any] = (Index(None, "started_at"),)

    name: str = words(key=True)
    tick: str = words(key=True)
    started_at: datetime = moment(now=True)


class Versions(SQLModel, table=True):
    """The one row that moves when settings change; processes poll it instead of the tables."""

    __tablename__: ClassVar[Any] = "versions"
    __table_args__: ClassVar[Any] = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(
        default=None,
        sa_column=Column(
            SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")
        ),
    )
    catalogue: int = count(default=1)
    tokens: int = count(default=1)
    keys: int = count(default=1)
    limits: int = count(default=1)
