"""What a row of usage says of for whom and why, and a quarantine that is looked up by request.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = {
    "cost_estimated_usd": "numeric(24, 12)",
    "error_detail": "text",
    "end_user": "text",
    "tags": "jsonb",
    "endpoint": "text",
    "catalog_version": "bigint",
    "routing_facts": "bytea",
    "trace_id": "text",
    "parent_span_id": "text",
    "trace_flags": "integer",
}
# The first UUIDv7 of a payload: a record begins with its id, behind 10 bytes of framing at most.
PAYLOAD_ID = (
    "substring(encode(substring(payload, 1, 64), 'escape'),"
    " '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}')"
)


def upgrade() -> None:
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {name} {kind}" for name, kind in COLUMNS.items())
    op.execute(f"ALTER TABLE llm_usage_logs {added}")
    # Generated, so that the previous release's writer fills it too. It writes the table anew,
    # which holds next to nothing: what is in it waits for somebody.
    op.execute(
        "ALTER TABLE usage_quarantine ADD COLUMN IF NOT EXISTS request_id text"
        f" GENERATED ALWAYS AS ({PAYLOAD_ID}) STORED"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_usage_quarantine_request_id"
        " ON usage_quarantine (request_id) WHERE resolved_at IS NULL"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_usage_quarantine_stream_id ON usage_quarantine (stream_id)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_llm_usage_logs_unlisted"
        " ON llm_usage_logs (created_at) WHERE model_id IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_llm_usage_logs_unlisted")
    op.execute("DROP INDEX ix_usage_quarantine_stream_id")
    op.execute("DROP INDEX ix_usage_quarantine_request_id")
    op.execute("ALTER TABLE usage_quarantine DROP COLUMN request_id")
    dropped = ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)
    op.execute(f"ALTER TABLE llm_usage_logs {dropped}")
