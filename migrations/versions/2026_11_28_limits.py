"""What a limit does, whose money it counts, and whose days and months it has; users and teams.

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


def upgrade() -> None:
    op.execute("ALTER TABLE limits ADD COLUMN IF NOT EXISTS is_soft boolean DEFAULT false NOT NULL")
    op.execute(
        "ALTER TABLE limits ADD COLUMN IF NOT EXISTS on_budget text DEFAULT 'refuse' NOT NULL"
    )
    op.execute(
        "ALTER TABLE limits ADD COLUMN IF NOT EXISTS counts_byok boolean DEFAULT false NOT NULL"
    )
    op.execute("ALTER TABLE limits ADD COLUMN IF NOT EXISTS time_zone text DEFAULT 'UTC' NOT NULL")
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS users (
            user_id text NOT NULL CONSTRAINT pk_users PRIMARY KEY,
            is_blocked boolean DEFAULT false NOT NULL,
            first_seen_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT ck_users_user_id CHECK (user_id <> '' AND length(user_id) <= 200)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS teams (
            id text NOT NULL CONSTRAINT pk_teams PRIMARY KEY,
            name text NOT NULL,
            is_active boolean DEFAULT true NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT ck_teams_id CHECK (id <> '' AND length(id) <= 200),
            CONSTRAINT ck_teams_name CHECK (name <> '')
        )
        """
    )
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS team_members (
            team_id text NOT NULL CONSTRAINT fk_team_members_team_id_teams
                REFERENCES teams (id) ON DELETE CASCADE,
            user_id text NOT NULL,
            is_admin boolean DEFAULT false NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_team_members PRIMARY KEY (team_id, user_id),
            CONSTRAINT ck_team_members_user_id CHECK (user_id <> '' AND length(user_id) <= 200)
        )
        """
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_team_members_user_id ON team_members (user_id)")
    op.execute("ALTER TABLE access_tokens ADD COLUMN IF NOT EXISTS made_with bigint")
    op.execute(
        """
        CREATE INDEX IF NOT EXISTS ix_access_tokens_made_with ON access_tokens (made_with)
            WHERE made_with IS NOT NULL
        """
    )
    op.execute("ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS overrun_usd numeric(24, 12)")
    op.execute("ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS quote_id text")
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS budget_events (
            event_id text NOT NULL CONSTRAINT pk_budget_events PRIMARY KEY,
            limit_id bigint NOT NULL,
            scope text NOT NULL,
            subject text NOT NULL,
            kind text NOT NULL,
            period text NOT NULL,
            percent integer NOT NULL,
            limit_usd numeric(24, 12) NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            queued_at timestamptz
        )
        """
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_budget_events_created_at ON budget_events (created_at)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE team_members, teams, users")
    op.execute("DROP TABLE budget_events")
    op.execute("ALTER TABLE llm_usage_logs DROP COLUMN quote_id")
    op.execute("ALTER TABLE llm_usage_logs DROP COLUMN overrun_usd")
    op.execute("ALTER TABLE access_tokens DROP COLUMN made_with")
    op.execute("ALTER TABLE limits DROP COLUMN time_zone")
    op.execute("ALTER TABLE limits DROP COLUMN counts_byok")
    op.execute("ALTER TABLE limits DROP COLUMN on_budget")
    op.execute("ALTER TABLE limits DROP COLUMN is_soft")
