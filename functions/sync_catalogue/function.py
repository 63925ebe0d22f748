"""The bill of materials of sync_catalogue: no routes, it runs from a queue."""

from __future__ import annotations

from functions.sync_catalogue.job import SETTINGS, sync_catalogue
from functions.sync_catalogue.queue import SYNC_ACTOR
from shared.function import Function, Job

SYNC_CATALOGUE = Function(
    name="sync_catalogue", settings=SETTINGS, jobs=[Job(SYNC_ACTOR, sync_catalogue)]
)
