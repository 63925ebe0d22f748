"""A job is counted before it runs, and what is given up is kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dramatiq
import psycopg
import pytest
import redis
from dramatiq.broker import MessageProxy
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import SkipMessage
from structlog.testing import capture_logs

from functions.worker.quarantine import MOST_DEATHS, Quarantine
from shared.db.dead_letters import KEPT_DAYS, trim_dead_letters
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import JOB_ATTEMPTS


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def connections(migrated_database_url: str) -> Iterator[ThreadConnections]:
    connections = ThreadConnections(migrated_database_url)
    yield connections
    connections.close()


@pytest.fixture
def quarantine(client: redis.Redis, connections: ThreadConnections) -> Quarantine:
    return Quarantine(client, lambda: connections)


def a_message() -> MessageProxy:
    options = {"traceback": "…secret…", "retries": 1}
    message: Any = dramatiq.Message("q", "job", (), {"id": 7}, options)
    return MessageProxy(message)


def letters(connections: ThreadConnections) -> list[tuple[Any, ...]]:
    return connections.get().execute("SELECT actor, reason, message FROM dead_letters").fetchall()


def test_the_fourth_attempt_after_three_deaths_is_not_made(
    client: redis.Redis, connections: ThreadConnections
) -> None:
    broker, message = StubBroker(), a_message()
    for _ in range(MOST_DEATHS):  # each in a process of its own
        Quarantine(client, lambda: connections).before_process_message(broker, message)
    quarantine = Quarantine(client, lambda: connections)
    with pytest.raises(SkipMessage):
        quarantine.before_process_message(broker, message)
    assert message.failed


def test_what_runs_beside_a_poison_job_is_not_counted_with_it_again(
    quarantine: Quarantine, client: redis.Redis
) -> None:
    """Both died once, and both come back: the second waits uncounted until the first is through."""
    broker, poison, beside = StubBroker(), a_message(), a_message()
    for message in (poison, beside):
        client.set(JOB_ATTEMPTS + message.message_id, 1)
    quarantine.before_process_message(broker, poison)
    with ThreadPoolExecutor(1) as other_thread:
        started = other_thread.submit(quarantine.before_process_message, broker, beside)
        with pytest.raises(TimeoutError):
            started.result(timeout=0.2)
        assert client.get(JOB_ATTEMPTS + poison.message_id) == b"2"
        assert client.get(JOB_ATTEMPTS + beside.message_id) == b"1"
        quarantine.after_process_message(broker, poison)
        started.result(timeout=10)
        assert client.get(JOB_ATTEMPTS + beside.message_id) == b"2"
        other_thread.submit(quarantine.after_process_message, broker, beside).result(timeout=10)
    client.set(JOB_ATTEMPTS + poison.message_id, 1)
    quarantine.before_process_message(broker, poison)
    assert client.get(JOB_ATTEMPTS + poison.message_id) == b"2"


def test_an_attempt_that_ends_is_no_death(quarantine: Quarantine, client: redis.Redis) -> None:
    broker, message = StubBroker(), a_message()
    for exception in [None, ValueError("x")] * 5:
        quarantine.before_process_message(broker, message)
        assert 0 < client.ttl(JOB_ATTEMPTS + message.message_id) <= 24 * 3600
        quarantine.after_process_message(broker, message, exception=exception)
    assert client.keys(JOB_ATTEMPTS + "*") == []


def test_what_is_given_up_is_kept_once_without_its_traceback(
    quarantine: Quarantine, connections: ThreadConnections
) -> None:
    broker, message = StubBroker(), a_message()
    quarantine.before_process_message(broker, message)
    quarantine.after_process_message(broker, message, exception=KeyError("secret"))
    for _ in range(2):
        quarantine.after_nack(broker, message)
    ((actor, reason, content),) = letters(connections)
    assert (actor, reason) == ("job", "KeyError")
    assert content["kwargs"] == {"id": 7}
    assert "secret" not in str(content)


def test_what_is_too_old_is_dropped_and_not_kept(
    quarantine: Quarantine, client: redis.Redis, connections: ThreadConnections
) -> None:
    broker, message = StubBroker(), a_message()
    with capture_logs() as logs:
        quarantine.before_process_message(broker, message)
        quarantine.after_skip_message(broker, message)
        quarantine.after_nack(broker, message)
    assert [line["event"] for line in logs] == ["job.dropped"]
    assert letters(connections) == []
    assert client.keys(JOB_ATTEMPTS + "*") == []


def test_what_no_actor_is_there_for_is_kept_and_says_so(
    quarantine: Quarantine, connections: ThreadConnections
) -> None:
    # The consumer's thread rejects it, before any middleware has seen it.
    quarantine.after_nack(StubBroker(), a_message())
    ((_, reason, _),) = letters(connections)
    assert "no function of this worker" in reason


def test_a_database_that_is_away_is_said_and_stops_nothing(client: redis.Redis) -> None:
    away = ThreadConnections("postgresql://nobody@127.0.0.1:1/none")
    with capture_logs() as logs:
        Quarantine(client, lambda: away).after_nack(StubBroker(), a_message())
    assert [line["event"] for line in logs] == ["job.given_up", "job.not_kept"]


def test_letters_are_kept_for_ninety_days(
    quarantine: Quarantine, connections: ThreadConnections
) -> None:
    quarantine.after_nack(StubBroker(), a_message())
    connection: psycopg.Connection[Any] = connections.get()
    assert trim_dead_letters(connection) == 0
    connection.execute(
        "UPDATE dead_letters SET created_at = now() - make_interval(days => %s)", (KEPT_DAYS + 1,)
    )
    assert trim_dead_letters(connection) == 1
