"""The bill of materials of sync_catalog: no routes, it runs from a queue."""

from __future__ import annotations

from functions.sync_catalog.job import SETTINGS, sync_catalog
from functions.sync_catalog.queue import SYNC_ACTOR
from shared.function import Function, Job

SYNC_CATALOG = Function(name="sync_catalog", reads=SETTINGS, jobs=[Job(SYNC_ACTOR, sync_catalog)])
