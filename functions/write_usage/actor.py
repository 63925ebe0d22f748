"""Registers the actors of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg
from dramatiq.middleware import Shutdown

from functions.write_usage.partitions import PARTITIONS_ACTOR
from functions.write_usage.writer import writer
from shared.ledger.batch import WRITE_ACTOR, WRITE_QUEUE
from shared.log import get_logger


# Interrupted at shutdown: a drain of a long stream would hold the worker, and loses nothing.
@dramatiq.actor(
    actor_name=WRITE_ACTOR,
    queue_name=WRITE_QUEUE,
    max_retries=20,
    min_backoff=1_000,
    max_backoff=30_000,
    notify_shutdown=True,
)
def write_usage() -> None:
    try:
        writer().write()
    except (psycopg.OperationalError, Shutdown) as error:
        raise _postponed(WRITE_ACTOR, error) from None


@dramatiq.actor(
    actor_name=PARTITIONS_ACTOR,
    queue_name=WRITE_QUEUE,
    max_retries=20,
    min_backoff=5_000,
    max_backoff=300_000,
)
def prepare_partitions() -> None:
    try:
        writer().prepare_partitions()
    except psycopg.OperationalError as error:
        raise _postponed(PARTITIONS_ACTOR, error) from None


def _postponed(actor: str, error: BaseException) -> dramatiq.Retry:
    """A retry after the usual backoff, in one line of log instead of a traceback."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    get_logger().warning("usage.postponed", actor=actor, reason=reason)
    return dramatiq.Retry(reason)
