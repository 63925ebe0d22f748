"""Consent to the platform's key in three words, and what is known of a provider's platform key.

The trigger of `platform_fallback` names the column and is made again after the migrations.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONTRACTS = (
    "platform_fallback becomes text and loses its boolean default: no release has been made yet,"
    " and nothing before this migration read or wrote the column"
)


def upgrade() -> None:
    op.execute("DROP TRIGGER IF EXISTS switchyard_watch ON user_api_keys")
    op.execute("ALTER TABLE user_api_keys ALTER COLUMN platform_fallback DROP DEFAULT")
    op.execute(
        "ALTER TABLE user_api_keys ALTER COLUMN platform_fallback TYPE text"
        " USING CASE WHEN platform_fallback THEN 'always' ELSE 'never' END"
    )
    op.execute("ALTER TABLE user_api_keys ALTER COLUMN platform_fallback SET DEFAULT 'never'")
    op.execute(
        "ALTER TABLE llm_providers"
        " ADD COLUMN IF NOT EXISTS system_key_status text DEFAULT 'unverified' NOT NULL,"
        " ADD COLUMN IF NOT EXISTS system_key_reason text,"
        " ADD COLUMN IF NOT EXISTS system_key_checked_at timestamptz,"
        " ADD COLUMN IF NOT EXISTS system_key_suffix text,"
        " ADD COLUMN IF NOT EXISTS system_key_fingerprint text,"
        " ADD COLUMN IF NOT EXISTS system_key_encryption_key_id text"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER IF EXISTS switchyard_watch ON user_api_keys")
    op.execute("DROP TRIGGER IF EXISTS switchyard_watch ON llm_providers")
    op.execute("ALTER TABLE user_api_keys ALTER COLUMN platform_fallback DROP DEFAULT")
    op.execute(
        "ALTER TABLE user_api_keys ALTER COLUMN platform_fallback TYPE boolean"
        " USING platform_fallback = 'always'"
    )
    op.execute("ALTER TABLE user_api_keys ALTER COLUMN platform_fallback SET DEFAULT false")
    for column in ("status", "reason", "checked_at", "suffix", "fingerprint", "encryption_key_id"):
        op.execute(f"ALTER TABLE llm_providers DROP COLUMN system_key_{column}")
