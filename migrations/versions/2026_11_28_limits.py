"""What a limit does, whose money it counts, and whose days and months it has.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = {
    "is_soft": "boolean DEFAULT false NOT NULL",
    "on_budget": "text DEFAULT 'refuse' NOT NULL",
    "counts_byok": "boolean DEFAULT false NOT NULL",
    "time_zone": "text DEFAULT 'UTC' NOT NULL",
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.execute(f"ALTER TABLE limits ADD COLUMN IF NOT EXISTS {name} {kind}")


def downgrade() -> None:
    for name in COLUMNS:
        op.execute(f"ALTER TABLE limits DROP COLUMN {name}")
