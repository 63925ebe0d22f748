"""The SQL by which staged usage records become rows (shared/db/usage_rows.py runs it, in order)."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from shared.usage.record import UsageFinal

# A column of money, by the field of the record that it comes from.
MONEY = {
    name: name.replace("_pico_usd", "_usd")
    for name in UsageFinal.__struct_fields__
    if name.endswith("_pico_usd")
}
# A field added to UsageFinal is a column: where the table lacks it, writing fails loudly.
COLUMNS = (
    *(MONEY.get(name, name) for name in UsageFinal.__struct_fields__),
    "tokens_per_second",
    "state",
    "created_at",
)
DAILY_KEYS = (
    "user_id",
    "team_id",
    "provider_id",
    "model_id",
    "power_level",
    "access_token_id",
    "user_key_id",
    "billed_to",
    "is_simulated",
)
# What a group of rows adds to usage_daily. Of an indeterminate row only its being there counts.
_DAILY_SUMS: dict[str, LiteralString] = {
    "requests": "count(*)",
    "indeterminate_requests": "count(*) FILTER (WHERE state = 'indeterminate')",
    "unpriced_requests": "count(*) FILTER (WHERE state = 'final' AND cost_total_usd IS NULL)",
    "estimated_requests": "count(*) FILTER (WHERE cost_quality = 'estimated')",
    "provider_reported_requests": "count(*) FILTER (WHERE cost_quality = 'provider_reported')",
    "prompt_tokens": "coalesce(sum(prompt_tokens), 0)",
    "completion_tokens": "coalesce(sum(completion_tokens), 0)",
    "total_tokens": "coalesce(sum(total_tokens), 0)",
    "cached_tokens": "coalesce(sum(cached_tokens), 0)",
    "cache_write_tokens": "coalesce(sum(cache_write_tokens), 0)",
    "reasoning_tokens": "coalesce(sum(reasoning_tokens), 0)",
    "cost_total_usd": "coalesce(sum(cost_total_usd), 0)",
}


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _add_to_daily(source: LiteralString, *, sign: LiteralString = "+") -> sql.Composed:
    """Add the rows of `source`, a FROM item, to usage_daily; with sign `-` take them back."""
    return sql.SQL(
        """
        INSERT INTO usage_daily AS held (day, {keys}, {sums})
        SELECT (created_at AT TIME ZONE 'UTC')::date AS day, {keys}, {values}
        FROM {source}
        GROUP BY day, {keys}
        ON CONFLICT (day, {keys}) DO UPDATE SET {added}
        """
    ).format(
        keys=_names(DAILY_KEYS),
        sums=_names(tuple(_DAILY_SUMS)),
        values=sql.SQL(", ").join(
            sql.SQL(sign + " " + expression) for expression in _DAILY_SUMS.values()
        ),
        source=sql.SQL(source),
        added=sql.SQL(", ").join(
            sql.SQL("{name} = held.{name} + EXCLUDED.{name}").format(name=sql.Identifier(name))
            for name in _DAILY_SUMS
        ),
    )


MAKE_STAGING = sql.SQL(
    """
    CREATE TEMPORARY TABLE usage_staging ON COMMIT DROP AS
    SELECT {columns}, false AS is_replacing, false AS is_written
    FROM llm_usage_logs WITH NO DATA
    """
).format(columns=_names(COLUMNS))

COPY_TO_STAGING = sql.SQL("COPY usage_staging ({columns}) FROM STDIN").format(
    columns=_names(COLUMNS)
)

# `created_at` is in the key, but only these bounds keep the planner out of other months.
MARK_REPLACING = """
    UPDATE usage_staging AS staged SET is_replacing = true
    FROM llm_usage_logs AS held
    WHERE held.request_id = staged.request_id AND held.created_at = staged.created_at
        AND held.created_at BETWEEN %(first)s AND %(last)s
        AND held.state = 'indeterminate' AND staged.state = 'final'
"""

UNCOUNT_REPLACED = _add_to_daily(
    """(
        SELECT held.* FROM llm_usage_logs AS held
        JOIN usage_staging AS staged USING (request_id, created_at)
        WHERE staged.is_replacing AND held.created_at BETWEEN %(first)s AND %(last)s
    ) AS replaced""",
    sign="-",
)

WRITE = sql.SQL(
    """
    WITH written AS (
        INSERT INTO llm_usage_logs AS held ({columns})
        SELECT {columns} FROM usage_staging
        ON CONFLICT (request_id, created_at) DO UPDATE SET {replaced}
        WHERE held.state = 'indeterminate' AND EXCLUDED.state = 'final'
        RETURNING held.request_id
    )
    UPDATE usage_staging AS staged SET is_written = true
    FROM written WHERE written.request_id = staged.request_id
    """
).format(
    columns=_names(COLUMNS),
    replaced=sql.SQL(", ").join(
        sql.SQL("{name} = EXCLUDED.{name}").format(name=sql.Identifier(name))
        for name in COLUMNS
        if name not in ("request_id", "created_at")
    ),
)

COUNT_WRITTEN = _add_to_daily("(SELECT * FROM usage_staging WHERE is_written) AS written")

QUEUE_FOR_BILLING = """
    INSERT INTO usage_outbox (request_id, usage_created_at)
    SELECT request_id, created_at FROM usage_staging
    WHERE is_written AND state = 'final' AND NOT is_simulated
        AND billed_to = 'platform' AND cost_total_usd IS NOT NULL
    ON CONFLICT DO NOTHING
"""

# What a simulated provider would have cost was never spent.
ADD_TO_KEYS = """
    UPDATE user_api_keys AS held SET
        total_requests = held.total_requests + used.requests,
        total_tokens = held.total_tokens + used.tokens,
        total_cost_usd = held.total_cost_usd + used.cost_usd,
        last_used_at = greatest(held.last_used_at, used.last_used_at)
    FROM (
        SELECT user_key_id, count(*) AS requests, max(created_at) AS last_used_at,
            coalesce(sum(total_tokens), 0) AS tokens,
            coalesce(sum(cost_total_usd) FILTER (WHERE NOT is_simulated), 0) AS cost_usd
        FROM usage_staging
        WHERE is_written AND user_key_id IS NOT NULL
        GROUP BY user_key_id
    ) AS used
    WHERE held.id = used.user_key_id
"""

PRESENT = """
    SELECT request_id FROM llm_usage_logs
    WHERE request_id = ANY(%(ids)s) AND created_at BETWEEN %(first)s AND %(last)s
        AND (state = 'final' OR NOT %(final_only)s)
"""

# The id of a quarantined record is in its payload alone. `escape` leaves printable ASCII as it is.
QUARANTINED = """
    SELECT found[1] FROM usage_quarantine,
        regexp_matches(
            encode(payload, 'escape'),
            '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'g'
        ) AS found
    WHERE found[1] = ANY(%(ids)s)
"""
