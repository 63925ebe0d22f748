"""Names that stand for other models, how far a power level looks for one, which unlisted models a
provider opens, and what a model answers to.

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

CONTRACTS = (
    "ck_user_api_keys_status takes 'simulated' besides the words it took, so that nothing which is"
    " written now is refused; no release has been made yet"
)


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
    # It takes the place of may_change_level, which goes once no process reads it any more.
    op.execute(
        "ALTER TABLE power_levels ADD COLUMN IF NOT EXISTS fallback text DEFAULT 'level' NOT NULL"
        " CONSTRAINT ck_power_levels_fallback CHECK (fallback IN ('rules', 'level', 'any'))"
    )
    op.execute(
        "ALTER TABLE llm_providers ADD COLUMN IF NOT EXISTS opens text DEFAULT 'priced' NOT NULL"
        " CONSTRAINT ck_llm_providers_opens CHECK (opens IN ('listed', 'priced', 'any')),"
        " ADD COLUMN IF NOT EXISTS offered_models jsonb"
    )
    op.execute(
        "ALTER TABLE llm_models"
        " ADD COLUMN IF NOT EXISTS kind text DEFAULT 'chat' NOT NULL"
        " CONSTRAINT ck_llm_models_kind CHECK (kind IN ('chat', 'embedding', 'other')),"
        " ADD COLUMN IF NOT EXISTS dimensions bigint"
    )
    op.execute("ALTER TABLE known_models ADD COLUMN IF NOT EXISTS model_ids text[]")
    # Of no release: the seeds that follow copy it anew, with the ids.
    op.execute("UPDATE known_models SET source = ''")
    _restrict_key_status("'unverified', 'ok', 'invalid', 'quota_exhausted', 'simulated'")


def downgrade() -> None:
    op.execute("UPDATE user_api_keys SET status = 'unverified' WHERE status = 'simulated'")
    _restrict_key_status("'unverified', 'ok', 'invalid', 'quota_exhausted'")
    op.execute("ALTER TABLE known_models DROP COLUMN model_ids")
    op.execute("ALTER TABLE llm_models DROP COLUMN kind, DROP COLUMN dimensions")
    op.execute("ALTER TABLE llm_providers DROP COLUMN opens, DROP COLUMN offered_models")
    op.execute("ALTER TABLE power_levels DROP COLUMN fallback")
    op.execute("DROP TABLE model_aliases")


def _restrict_key_status(words: str) -> None:
    op.execute(
        "ALTER TABLE user_api_keys DROP CONSTRAINT IF EXISTS ck_user_api_keys_status,"
        f" ADD CONSTRAINT ck_user_api_keys_status CHECK (status IN ({words}))"
    )
