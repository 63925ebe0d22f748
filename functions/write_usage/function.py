"""The bill of materials of write_usage: no routes, it runs from a queue."""

from __future__ import annotations

from functions.write_usage.writer import SETTINGS
from shared.function import Function

WRITE_USAGE = Function(name="write_usage", settings=SETTINGS)
