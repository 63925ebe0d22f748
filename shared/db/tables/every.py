"""The metadata with every table in it: what migrations are compared with and remade from."""

from __future__ import annotations

from shared.db.tables import catalog, keys, operations, people, rollups, usage
from shared.db.tables.naming import metadata

__all__ = ["catalog", "keys", "metadata", "operations", "people", "rollups", "usage"]
