"""The table holds a caller's key to the words that processes know.

An edit by hand that no process could read would take every request of its owner down.

Revision ID: 0007
Revises: 0005
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONTRACTS = (
    "three columns of user_api_keys are held to words: no release has been made yet, and what"
    " writes them has only ever written these (the statements of tests/recorded/queries do)"
)

WORDS = {
    "status": ("unverified", "ok", "invalid", "quota_exhausted"),
    "use_policy": ("prefer", "only", "last_resort"),
    "platform_fallback": ("never", "on_rate_limit", "always"),
}


def upgrade() -> None:
    for column, words in WORDS.items():
        listed = ", ".join(f"'{word}'" for word in words)
        op.execute(
            f"UPDATE user_api_keys SET {column} = '{words[0]}' WHERE {column} NOT IN ({listed})"
        )
        op.execute(
            f"ALTER TABLE user_api_keys ADD CONSTRAINT ck_user_api_keys_{column}"
            f" CHECK ({column} IN ({listed}))"
        )


def downgrade() -> None:
    for column in WORDS:
        op.execute(f"ALTER TABLE user_api_keys DROP CONSTRAINT ck_user_api_keys_{column}")
