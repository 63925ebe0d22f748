"""Registers the actors of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg
from dramatiq.middleware import Middleware, Shutdown

from functions.write_usage import job
from shared.jobs import PREPARE_PARTITIONS, WRITE_USAGE, Job
from shared.ledger.faults import is_away
from shared.log import get_logger, one_line


class _ClosesAtTheEnd(Middleware):
    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        job.close()


dramatiq.get_broker().add_middleware(_ClosesAtTheEnd())


@dramatiq.actor(**WRITE_USAGE.options)
def write_usage() -> None:
    try:
        job.write_usage()
    except Shutdown as error:
        raise _postponed(WRITE_USAGE, error) from None
    except psycopg.Error as error:
        if not is_away(error):
            raise
        raise _postponed(WRITE_USAGE, error) from None


@dramatiq.actor(**PREPARE_PARTITIONS.options)
def prepare_partitions() -> None:
    try:
        job.prepare_partitions()
    except psycopg.Error as error:
        if not is_away(error):
            raise
        raise _postponed(PREPARE_PARTITIONS, error) from None


def _postponed(what: Job, error: BaseException) -> dramatiq.Retry:
    """A retry after the usual backoff, in one line of log instead of a traceback."""
    reason = one_line(error)
    get_logger().warning("usage.postponed", actor=what.name, reason=reason)
    return dramatiq.Retry(reason)
