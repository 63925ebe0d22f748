"""Runs migrations on the connection that shared/migrate/steps.py hands over; opens none itself."""

from __future__ import annotations

from alembic import context

from shared.db.tables.every import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Not `alembic_version`: the database may be shared with a system that has its own.
    version_table=context.config.attributes["version_table"],
    # One that fails half way up leaves those before it done, and may be tried again.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
