"""Requests as the ledger remembers them, with what a choice needs that it does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg.rows import class_row

from shared.db.connections import Reports

MOST = 10_000


class Past(msgspec.Struct, frozen=True):
    """One settled request. `tier` and `allowed_models` are its token's now; None: it had none.

    `session` is what it was drawn by. Tokens are what was billed, `cost_usd` what for.
    """

    session: str
    created_at: datetime
    user_id: str
    team_id: str | None
    token_id: int | None
    end_user: str | None
    tags: list[str]
    tier: str | None
    allowed_models: list[str] | None
    provider: str
    model: str
    model_requested: str | None
    power_level: str | None
    task_type: str | None
    is_chat: bool
    used_byok: bool
    own_key_id: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: Decimal | None


# The newest first, by the index on created_at; what was refused or never ended decides nothing.
_LAST = b"""
SELECT coalesce(log.session_id, log.request_id) AS session, log.created_at, log.user_id,
    log.team_id, log.access_token_id AS token_id, log.end_user,
    coalesce(ARRAY(SELECT jsonb_array_elements_text(
        CASE jsonb_typeof(log.tags) WHEN 'array' THEN log.tags END)), '{}') AS tags,
    token.tier, token.allowed_models, provider.provider_slug AS provider,
    coalesce(model.model_id, log.model_served) AS model, log.model_requested, log.power_level,
    log.task_type, coalesce(log.endpoint NOT LIKE '%%embeddings', true) AS is_chat, log.used_byok,
    coalesce(log.user_key_id, 0) AS own_key_id,
    log.prompt_tokens, log.completion_tokens, log.cached_tokens, log.cache_write_tokens,
    log.cost_total_usd AS cost_usd
FROM (
    SELECT * FROM llm_usage_logs
    WHERE state = 'final' AND provider_id IS NOT NULL AND prompt_tokens IS NOT NULL
        AND completion_tokens IS NOT NULL AND coalesce(status_code, 200) < 400
    ORDER BY created_at DESC LIMIT %s
) AS log
JOIN llm_providers AS provider ON provider.id = log.provider_id
LEFT JOIN llm_models AS model ON model.id = log.model_id
LEFT JOIN access_tokens AS token ON token.id = log.access_token_id
WHERE coalesce(model.model_id, log.model_served) IS NOT NULL
ORDER BY log.created_at
"""


async def read_past(database: Reports, last: int) -> Sequence[Past]:
    """The last `last` requests that were answered, oldest first. Raises psycopg.Error."""
    async with (
        database.report() as connection,
        connection.cursor(row_factory=class_row(Past)) as cursor,
    ):
        await cursor.execute(_LAST, [min(last, MOST)])
        return await cursor.fetchall()
