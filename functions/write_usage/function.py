"""The bill of materials of write_usage: no routes, it runs from a queue."""

from __future__ import annotations

from functions.write_usage.job import SETTINGS, prepare_partitions, write_usage
from shared import jobs
from shared.function import Function

WRITE_USAGE = Function(
    name="write_usage",
    reads=SETTINGS,
    jobs={jobs.WRITE_USAGE: write_usage, jobs.PREPARE_PARTITIONS: prepare_partitions},
)
