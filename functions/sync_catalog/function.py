"""The bill of materials of sync_catalog: no routes, it runs from a queue."""

from __future__ import annotations

from functions.sync_catalog.job import SETTINGS, sync_catalog
from shared import jobs
from shared.function import Function

SYNC_CATALOG = Function(name="sync_catalog", reads=SETTINGS, jobs={jobs.SYNC_CATALOG: sync_catalog})
