"""What every connection to PostgreSQL has in common, so that a pooler may stand between."""

from __future__ import annotations

from typing import Any

SESSION: dict[str, Any] = {
    "autocommit": True,
    # PgBouncer in transaction mode gives the next statement to another session of the server, which
    # knows nothing of what this one prepared; before its release 1.21 that fails.
    "prepare_threshold": None,
}
"""Arguments of `psycopg.connect` and its like."""
