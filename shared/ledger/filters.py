"""Which rows of usage are asked for: the same words over the log and over its daily sums.

The owner comes first in every WHERE: what a user may see is decided here, not by who calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import msgspec
from psycopg import sql


class UsageFilters(msgspec.Struct, frozen=True):
    """None leaves a field open. `user_id` None is every user: for admins alone.

    `start` is included, `end` is not. `provider` is a slug or a name, `model` an id as listed,
    or of one that is not listed, as the provider calls it; `key` the id of an access token.
    """

    user_id: str | None
    start: datetime | None = None
    end: datetime | None = None
    team: str | None = None
    provider: str | None = None
    model: str | None = None
    power_level: str | None = None
    key: int | None = None
    billed_to: str | None = None
    simulated: bool | None = None
    state: str | None = None
    cost_quality: str | None = None
    end_user: str | None = None
    tag: str | None = None


Where = tuple[sql.Composable, dict[str, Any]]

# By a list made first, so that the index on the id is used.
_PROVIDERS = (
    "provider_id = ANY(ARRAY(SELECT id FROM llm_providers"
    " WHERE lower({value}) IN (lower(provider_slug), lower(provider_name))))"
)
_MODELS = "model_id = ANY(ARRAY(SELECT id FROM llm_models WHERE model_id = {value}))"
_BOTH = {
    "user_id": "user_id = {value}",
    "team": "team_id = {value}",
    "provider": _PROVIDERS,
    "model": _MODELS,
    "power_level": "power_level = {value}",
    "key": "access_token_id = {value}",
    "billed_to": "billed_to = {value}",
    "simulated": "is_simulated = {value}",
}
_COLUMNS = {
    "team": "team_id",
    "provider": "provider_id",
    "model": "model_id",
    "key": "access_token_id",
    "simulated": "is_simulated",
    "start": "day",
    "end": "day",
}
_LOG_ALONE = {
    # One that nobody listed has no id, and is called as the provider called it.
    "model": f"({_MODELS} OR (model_id IS NULL AND model_served = {{value}}))",
    "start": "created_at >= {value}",
    "end": "created_at < {value}",
    "state": "state = {value}",
    "cost_quality": "cost_quality = {value}",
    "end_user": "end_user = {value}",
    "tag": "tags ? {value}",
}
# In UTC, whatever zone the server keeps for the session.
_DAILY_ALONE = {
    "start": "day >= ({value}::timestamptz AT TIME ZONE 'UTC')::date",
    "end": "day < ({value}::timestamptz AT TIME ZONE 'UTC')::date",
}


def where_log(filters: UsageFilters) -> Where:
    """The condition on llm_usage_logs, with its values."""
    return _where(filters, {**_BOTH, **_LOG_ALONE})


def where_daily(filters: UsageFilters) -> Where:
    """The condition on usage_daily or a smaller copy of it.

    `start` and `end` are midnights in UTC (`is_whole_days`).
    """
    return _where(filters, {**_BOTH, **_DAILY_ALONE})


def daily_columns(filters: UsageFilters) -> set[str]:
    """The columns that `where_daily` looks at."""
    asked = (name for name in (*_BOTH, *_DAILY_ALONE) if getattr(filters, name) is not None)
    return {_COLUMNS.get(name, name) for name in asked}


def is_whole_days(filters: UsageFilters) -> bool:
    moments = [moment for moment in (filters.start, filters.end) if moment is not None]
    return all(moment.astimezone(UTC).time() == time.min for moment in moments)


def _where(filters: UsageFilters, conditions: dict[str, str]) -> Where:
    def asked() -> Iterator[tuple[str, sql.Composable]]:
        for name, condition in conditions.items():
            if getattr(filters, name) is not None:
                text: Any = condition
                yield name, sql.SQL(text).format(value=sql.Placeholder(name))

    found = dict(asked())
    values = {name: getattr(filters, name) for name in found}
    return sql.SQL(" AND ").join(found.values()) if found else sql.SQL("true"), values
