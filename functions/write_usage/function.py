"""The bill of materials of write_usage: no routes, it runs from a queue."""

from __future__ import annotations

from functions.write_usage.partitions import PARTITIONS_ACTOR
from functions.write_usage.writer import SETTINGS, writer
from shared.function import Function, Job
from shared.ledger.batch import WRITE_ACTOR


def write() -> None:
    writer().write()


def prepare_partitions() -> None:
    writer().prepare_partitions()


WRITE_USAGE = Function(
    name="write_usage",
    reads=SETTINGS,
    jobs=[Job(WRITE_ACTOR, write), Job(PARTITIONS_ACTOR, prepare_partitions, "rate(1 day)")],
)
