"""Python runs this first where this folder is on its path: see tests/migrations/query_hook.py."""

from __future__ import annotations

from tests.migrations.query_hook import install

install()
