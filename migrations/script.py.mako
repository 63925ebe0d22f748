"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

Old and new processes run side by side while this is rolled out, and neither may fail. So:

1. Expand: add columns that are null or have a constant default, tables, indexes. Nothing that the
   running release reads or writes changes its meaning.
2. Backfill: in batches with commits of their own, never in the migration that expands.
3. Contract: drop or tighten, one release after the last one that used what goes. Such a migration
   holds `CONTRACTS = "what, and since which release nothing uses it"`, by its version.

tests/migrations finds what contracts without that word, and runs the statements of the previous
release on the new schema.

`migrate` has set lock_timeout for the session: a statement that waits longer for its lock than
that fails and is tried again by running `migrate` again, instead of blocking every query that
queues up behind it. Do not raise it. On a table that is written to all day:

- an index: CREATE INDEX CONCURRENTLY, in `with op.get_context().autocommit_block():`;
- a foreign key or check: NOT VALID first, VALIDATE CONSTRAINT in the next migration;
- NOT NULL: a check `col IS NOT NULL` NOT VALID, validate, SET NOT NULL, drop the check.

Change shared/db/tables in the same commit: a test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "raise NotImplementedError"}


def downgrade() -> None:
    ${downgrades if downgrades else "raise NotImplementedError"}
