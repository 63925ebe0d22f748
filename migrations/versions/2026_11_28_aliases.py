"""Names that stand for other models.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE IF NOT EXISTS model_aliases ("
        " name text NOT NULL,"
        " targets jsonb NOT NULL,"
        " is_active boolean DEFAULT true NOT NULL,"
        " created_at timestamptz DEFAULT now() NOT NULL,"
        " updated_at timestamptz DEFAULT now() NOT NULL,"
        " CONSTRAINT pk_model_aliases PRIMARY KEY (name))"
    )


def downgrade() -> None:
    op.execute("DROP TABLE model_aliases")
