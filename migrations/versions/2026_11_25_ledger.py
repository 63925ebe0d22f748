"""Parts of usage that have prices of their own, adjustments in the sums, billing's dead letters.

Revision ID: 0006
Revises: 0002
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONTRACTS = (
    "the key of usage_outbox is the event, no longer the request alone: no release has been made"
    " yet, and none has sent an event from the outbox"
)


def upgrade() -> None:
    op.execute(
        "ALTER TABLE llm_usage_logs"
        " ADD COLUMN IF NOT EXISTS cache_write_1h_tokens bigint,"
        " ADD COLUMN IF NOT EXISTS prompt_audio_tokens bigint,"
        " ADD COLUMN IF NOT EXISTS completion_audio_tokens bigint"
    )
    op.execute(
        "ALTER TABLE usage_daily"
        " ADD COLUMN IF NOT EXISTS estimated_requests bigint DEFAULT 0 NOT NULL,"
        " ADD COLUMN IF NOT EXISTS provider_reported_requests bigint DEFAULT 0 NOT NULL,"
        " ADD COLUMN IF NOT EXISTS repriced_requests bigint DEFAULT 0 NOT NULL,"
        " ADD COLUMN IF NOT EXISTS cache_write_tokens bigint DEFAULT 0 NOT NULL,"
        " ADD COLUMN IF NOT EXISTS adjustments_usd numeric(30, 12) DEFAULT 0 NOT NULL"
    )
    op.execute("ALTER TABLE usage_adjustments ADD COLUMN IF NOT EXISTS price_version integer")
    op.execute(
        "ALTER TABLE usage_outbox"
        " ADD COLUMN IF NOT EXISTS adjustment_id bigint,"
        " ADD COLUMN IF NOT EXISTS failed_at timestamptz,"
        " DROP CONSTRAINT IF EXISTS uq_usage_outbox_request_id"
    )
    op.execute(
        "CREATE UNIQUE INDEX IF NOT EXISTS uq_usage_outbox_event"
        " ON usage_outbox (request_id, adjustment_id) NULLS NOT DISTINCT"
    )
    op.execute("DROP INDEX IF EXISTS ix_usage_outbox_due")
    op.execute(
        "CREATE INDEX ix_usage_outbox_due ON usage_outbox (next_attempt_at)"
        " WHERE sent_at IS NULL AND failed_at IS NULL"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_usage_outbox_failed ON usage_outbox (failed_at)"
        " WHERE failed_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_usage_outbox_failed")
    op.execute("DROP INDEX ix_usage_outbox_due")
    op.execute("DROP INDEX uq_usage_outbox_event")
    op.execute("DELETE FROM usage_outbox WHERE adjustment_id IS NOT NULL")
    op.execute(
        "ALTER TABLE usage_outbox DROP COLUMN adjustment_id, DROP COLUMN failed_at,"
        " ADD CONSTRAINT uq_usage_outbox_request_id UNIQUE (request_id)"
    )
    op.execute(
        "CREATE INDEX ix_usage_outbox_due ON usage_outbox (next_attempt_at) WHERE sent_at IS NULL"
    )
    op.execute("ALTER TABLE usage_adjustments DROP COLUMN price_version")
    for column in (
        *("estimated_requests", "provider_reported_requests", "repriced_requests"),
        *("cache_write_tokens", "adjustments_usd"),
    ):
        op.execute(f"ALTER TABLE usage_daily DROP COLUMN {column}")
    for column in ("cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens"):
        op.execute(f"ALTER TABLE llm_usage_logs DROP COLUMN {column}")
