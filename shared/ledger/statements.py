"""The SQL by which staged usage records become rows (shared/ledger/rows.py runs it, in order)."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from shared.db.rollups import DAILY_KEYS
from shared.ledger.record import UsageFinal

# A field added to UsageFinal is a column: where the table lacks it, writing fails loudly.
STAGED = (*UsageFinal.__struct_fields__, "created_at")
"""What is staged of a record, in order: its fields as they are, money in pico-USD still."""

_PICO = "_pico_usd"
# By column of the log: what it is of a staged record.
_OF_STAGED: dict[str, sql.Composable] = {
    **{name: sql.Identifier(name) for name in STAGED if not name.endswith(_PICO)},
    **{
        name.replace(_PICO, "_usd"): sql.Identifier(name) + sql.SQL(" * 1e-12")
        for name in STAGED
        if name.endswith(_PICO)
    },
    # Of the time after the first token; unknown without one (an answer that was not streamed).
    "tokens_per_second": sql.SQL(
        "round(completion_tokens * 1000.0 / nullif(greatest(latency_ms - ttft_ms, 0), 0), 3)"
    ),
}
SUMS_OF_ROWS: dict[str, LiteralString] = {
    "requests": "count(*)",
    "indeterminate_requests": "count(*) FILTER (WHERE state = 'indeterminate')",
    "unpriced_requests": "count(*) FILTER (WHERE state = 'final' AND cost_total_usd IS NULL)",
    "estimated_requests": "count(*) FILTER (WHERE state = 'final' AND cost_quality = 'estimated')",
    "provider_reported_requests": "count(*) FILTER (WHERE cost_quality = 'provider_reported')",
    "prompt_tokens": "coalesce(sum(prompt_tokens), 0)",
    "completion_tokens": "coalesce(sum(completion_tokens), 0)",
    "total_tokens": "coalesce(sum(total_tokens), 0)",
    "cached_tokens": "coalesce(sum(cached_tokens), 0)",
    "cache_write_tokens": "coalesce(sum(cache_write_tokens), 0)",
    "reasoning_tokens": "coalesce(sum(reasoning_tokens), 0)",
    "cost_total_usd": "coalesce(sum(cost_total_usd), 0)",
}
"""What a group of rows adds to usage_daily; of an indeterminate one only its being there counts."""
_READ_OF_WRITTEN = (
    *("request_id", "created_at", "state", *DAILY_KEYS, "cost_quality", "cost_total_usd"),
    *("prompt_tokens", "completion_tokens", "total_tokens"),
    *("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
)


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
        sums=_names(tuple(SUMS_OF_ROWS)),
        values=sql.SQL(", ").join(
            sql.SQL(sign + " " + expression) for expression in SUMS_OF_ROWS.values()
        ),
        source=sql.SQL(source),
        added=sql.SQL(", ").join(
            sql.SQL("{name} = held.{name} + EXCLUDED.{name}").format(name=sql.Identifier(name))
            for name in SUMS_OF_ROWS
        ),
    )


MAKE_STAGING = sql.SQL(
    """
    CREATE TEMPORARY TABLE usage_staging ON COMMIT DROP AS
    SELECT {columns} FROM llm_usage_logs WITH NO DATA
    """
).format(
    columns=sql.SQL(", ").join(
        (sql.SQL("NULL::numeric AS ") if name.endswith(_PICO) else sql.SQL(""))
        + sql.Identifier(name)
        for name in STAGED
    )
)

COPY_TO_STAGING = sql.SQL("COPY usage_staging ({columns}) FROM STDIN").format(
    columns=_names(STAGED)
)

# `created_at` is in the key, but only these bounds keep the planner out of other months.
UNCOUNT_REPLACED = sql.SQL(
    """
    WITH replaced AS MATERIALIZED (
        SELECT held.* FROM llm_usage_logs AS held
        JOIN usage_staging AS staged USING (request_id, created_at)
        WHERE held.state = 'indeterminate' AND staged.state = 'final'
            AND held.created_at BETWEEN %(first)s AND %(last)s
    ), uncounted AS ({uncount})
    SELECT count(*) FROM replaced
    """
).format(uncount=_add_to_daily("replaced", sign="-"))

_BILLED = sql.SQL(
    """
    INSERT INTO usage_outbox (request_id, usage_created_at)
    SELECT request_id, created_at FROM written
    WHERE %(is_told)s AND state = 'final' AND NOT is_simulated
        AND billed_to = 'platform' AND cost_total_usd IS NOT NULL
    """
)

# What a simulated provider would have cost was never spent.
_ADD_TO_KEYS = sql.SQL(
    """
    UPDATE user_api_keys AS held SET
        total_requests = held.total_requests + used.requests,
        total_tokens = held.total_tokens + used.tokens,
        total_cost_usd = held.total_cost_usd + used.cost_usd,
        last_used_at = greatest(held.last_used_at, used.last_used_at)
    FROM (
        SELECT user_key_id, count(*) AS requests, max(created_at) AS last_used_at,
            coalesce(sum(total_tokens), 0) AS tokens,
            coalesce(sum(cost_total_usd) FILTER (WHERE NOT is_simulated), 0) AS cost_usd
        FROM written
        WHERE user_key_id IS NOT NULL AND state = 'final'
        GROUP BY user_key_id
    ) AS used
    WHERE held.id = used.user_key_id
    """
)

_INSERT = sql.SQL(
    "INSERT INTO llm_usage_logs AS held ({columns}) SELECT {values} FROM usage_staging"
).format(columns=_names(tuple(_OF_STAGED)), values=sql.SQL(", ").join(_OF_STAGED.values()))

# Both are one statement, so that what is derived is of the very rows that are written.
WRITE_ALL = sql.SQL(
    """
    WITH written AS NOT MATERIALIZED (SELECT {read} FROM usage_staging),
    counted AS ({count}),
    queued AS ({queue}),
    used AS ({use})
    {insert}
    """
).format(
    read=sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_OF_STAGED[name], sql.Identifier(name))
        for name in _READ_OF_WRITTEN
    ),
    count=_add_to_daily("written"),
    queue=_BILLED,
    use=_ADD_TO_KEYS,
    insert=_INSERT,
)
"""Write what is staged, all of it or, where one row is there already, nothing."""

WRITE_MISSING = sql.SQL(
    """
    WITH written AS (
        {insert}
        ON CONFLICT (request_id, created_at) DO UPDATE SET {replaced}
        WHERE held.state = 'indeterminate' AND EXCLUDED.state = 'final'
        RETURNING {read}
    ),
    counted AS ({count}),
    queued AS ({queue} ON CONFLICT DO NOTHING),
    used AS ({use})
    SELECT FROM written
    """
).format(
    insert=_INSERT,
    replaced=sql.SQL(", ").join(
        sql.SQL("{name} = EXCLUDED.{name}").format(name=sql.Identifier(name))
        for name in _OF_STAGED
        if name not in ("request_id", "created_at")
    ),
    read=sql.SQL(", ").join(sql.Identifier("held", name) for name in _READ_OF_WRITTEN),
    count=_add_to_daily("written"),
    queue=_BILLED,
    use=_ADD_TO_KEYS,
)
"""Write what is staged and not there, and replace what is `indeterminate` there and final here."""

PRESENT = """
    SELECT request_id FROM llm_usage_logs
    WHERE request_id = ANY(%(ids)s) AND created_at BETWEEN %(first)s AND %(last)s
        AND (state = 'final' OR NOT %(final_only)s)
"""

QUARANTINED = """
    SELECT request_id FROM usage_quarantine
    WHERE request_id = ANY(%(ids)s) AND resolved_at IS NULL
"""
