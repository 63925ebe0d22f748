"""The first tables.

Every statement says IF NOT EXISTS: of a database made by the older SQL, whose five tables were
altered to this very state before (shared/migrate/older.py), only what is missing is made.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

from migrations.first_tables import catalogue, keys, operations, usage

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for subject in (catalogue, keys, usage, operations):
        for statement in subject.STATEMENTS:
            op.execute(statement)
    op.execute("INSERT INTO versions (id) VALUES (1) ON CONFLICT DO NOTHING")


def downgrade() -> None:
    raise NotImplementedError(
        "the first tables hold what was used; drop them by hand if you mean it"
    )
