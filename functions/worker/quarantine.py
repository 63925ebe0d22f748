"""Ends jobs that kill their worker, and keeps every job that was given up in PostgreSQL.

A job whose process dies is queued again, by any worker, for as long as it takes: without a count
of its own one poison job would keep killing workers for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dramatiq
import psycopg
from dramatiq.middleware import Middleware, SkipMessage

from shared.db.dead_letters import keep_dead_letter
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import JOB_ATTEMPTS, SyncRedis
from shared.log import get_logger

MOST_DEATHS = 3

_REMEMBERED_S = 24 * 3600
_TRACES = {"traceback", "requeue_timestamp"}
_TOO_OLD = "too old to be run"
_NO_ACTOR = "no function of this worker has an actor of that name"
_DIED = f"its worker died in it {MOST_DEATHS} times"


class Quarantine(Middleware):
    """Goes before every other middleware, so that it sees what they decided."""

    def __init__(self, client: SyncRedis, connections: Callable[[], ThreadConnections]) -> None:
        """`connections` is called when the first job is given up."""
        self._redis = client
        self._connections = connections
        self._thread = threading.local()
        self._suspect_runs = threading.Lock()

    def before_process_message(self, broker: Any, message: dramatiq.MessageProxy) -> None:
        """Count the attempt before it is made: who dies in it cannot. Raises SkipMessage.

        Of the jobs whose worker died, a process runs one at a time: else whatever runs beside a
        poison job each time would be given up with it.
        """
        self._thread.reason = None
        key = JOB_ATTEMPTS + message.message_id
        if self._redis.exists(key):
            self._suspect_runs.acquire()
            self._thread.is_suspect = True
        with self._redis.pipeline() as pipeline:  # pyright: ignore[reportUnknownMemberType]
            pipeline.incr(key)
            pipeline.expire(key, _REMEMBERED_S)
            attempts: int = pipeline.execute()[0]
        if attempts > MOST_DEATHS:
            self._thread.reason = _DIED
            message.fail()
            raise SkipMessage(_DIED)

    def after_process_message(
        self,
        broker: Any,
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Whatever came of it, the process lives: the next attempt is a first one again."""
        self._forget_attempts(message)
        if exception is not None:
            # Its class alone: a message may quote what nobody should read.
            self._thread.reason = type(exception).__name__

    def after_skip_message(self, broker: Any, message: dramatiq.MessageProxy) -> None:
        self._forget_attempts(message)
        self._thread.reason = self._thread.reason or _TOO_OLD

    def after_nack(self, broker: Any, message: dramatiq.MessageProxy) -> None:
        """Keep the job; where PostgreSQL is down, the queue's own copy has to do for a day."""
        # One that no actor is there for has not even begun.
        reason = getattr(self._thread, "reason", None) or _NO_ACTOR
        if reason == _TOO_OLD:
            # No news: of the ticks that a worker missed it runs the last.
            get_logger().info("job.dropped", actor=message.actor_name, reason=reason)
            return
        content = message.asdict()
        content["options"] = {
            name: value for name, value in content["options"].items() if name not in _TRACES
        }
        facts = {"actor": message.actor_name, "message_id": message.message_id, "reason": reason}
        get_logger().error("job.given_up", **facts)
        try:
            keep_dead_letter(
                self._connections().get(),
                message_id=message.message_id,
                queue=message.queue_name,
                actor=message.actor_name,
                message=content,
                reason=reason,
            )
        except psycopg.Error as error:
            get_logger().error("job.not_kept", **facts, because=type(error).__name__)

    def _forget_attempts(self, message: dramatiq.MessageProxy) -> None:
        try:
            self._redis.delete(JOB_ATTEMPTS + message.message_id)
        finally:
            if getattr(self._thread, "is_suspect", False):
                self._thread.is_suspect = False
                self._suspect_runs.release()
