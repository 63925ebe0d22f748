"""Access tokens made and ended beside a running gateway, by the statements of shared/db."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from shared.db import access_tokens
from shared.db.access_tokens import NewToken


def create_token(
    connection: psycopg.Connection[Any],
    *,
    token: str,
    name: str,
    user_id: str,
    team_id: str | None,
    tier: str,
    role: str,
    scopes: Sequence[str] = (),
    allowed_models: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> int:
    """Store a freshly minted token; its id."""
    new = NewToken(
        name=name,
        user_id=user_id,
        team_id=team_id,
        tier=tier,
        role=role,
        scopes=list(scopes),
        allowed_models=None if allowed_models is None else list(allowed_models),
        expires_at=expires_at,
        created_by="tests",
    )
    values = (*access_tokens._shape(token), *msgspec.structs.astuple(new))
    [(token_id,)] = connection.execute(access_tokens._INSERT, values).fetchall()
    return token_id


def revoke_token(connection: psycopg.Connection[Any], token_id: int) -> bool:
    """End a token now; False where there is none of this id, or it was revoked before."""
    return connection.execute(access_tokens._REVOKE, (token_id,)).rowcount == 1
