"""The daily sums, and smaller copies of them by fewer keys, so that a sum of everybody stays quick.

`usage_daily` is what the writer adds to; triggers (shared/db/tables/rollup_triggers.py) keep the
copies equal to it, whoever writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

DAILY = "usage_daily"
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
DAILY_SUMS = (
    *("requests", "indeterminate_requests", "unpriced_requests", "estimated_requests"),
    *("provider_reported_requests", "repriced_requests", "prompt_tokens", "completion_tokens"),
    *("total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    *("cost_total_usd", "adjustments_usd"),
)

ROLLUPS: Mapping[str, tuple[str, ...]] = {
    "usage_daily_by_model": (
        *("team_id", "provider_id", "model_id", "power_level", "billed_to", "is_simulated"),
    ),
    "usage_daily_by_user": (
        *("user_id", "team_id", "access_token_id", "billed_to", "is_simulated"),
    ),
}
"""By table, smallest first: the keys that it has beside `day`."""


def smallest_with(columns: Collection[str]) -> str:
    """The table of the fewest rows that still tells `columns` apart."""
    for table, keys in ROLLUPS.items():
        if {"day", *keys}.issuperset(columns):
            return table
    return DAILY
