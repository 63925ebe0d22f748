"""Usage by SQS: the sender's real messages, out of moto's queue, into PostgreSQL."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import psycopg
import pytest
from moto import mock_aws

from functions.write_usage import job, sqs
from functions.write_usage.sqs import SqsWriter, handler
from shared.aws.jobs import NoSuchJob
from shared.db.thread_connection import ThreadConnections
from shared.ledger.partitions import ensure_ahead
from shared.spool.queue import UsageQueue, UsageQueueAway
from tests.fakes.lambda_events import recorded, sqs_event
from tests.fakes.usage_records import final, intent

Database = psycopg.Connection[Any]
encode = msgspec.msgpack.encode


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("sqs")


@pytest.fixture
def queue_url(client: Any) -> str:
    return client.create_queue(QueueName="usage")["QueueUrl"]


@pytest.fixture
def writer(connections: ThreadConnections) -> SqsWriter:
    return SqsWriter(connections)


def received(client: Any, url: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    while more := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        messages += more
    return messages


def states(database: Database) -> dict[str, str]:
    return dict(database.execute("SELECT request_id, state FROM llm_usage_logs").fetchall())


def test_what_the_sender_sends_becomes_rows_once_however_often_it_comes(
    client: Any, queue_url: str, writer: SqsWriter, database: Database
) -> None:
    finals, orphan = [final(), final()], intent()
    queue = UsageQueue(queue_url)
    asyncio.run(queue.add([encode(one) for one in finals]))
    asyncio.run(queue.add([], [encode(orphan)]))
    messages = received(client, queue_url)
    assert len(messages) == 2
    for _ in range(3):
        assert writer.write(sqs_event(messages)["Records"]) == []
    expected = {one.request_id: "final" for one in finals} | {orphan.request_id: "indeterminate"}
    assert states(database) == expected
    counted = database.execute("SELECT sum(requests)::int FROM usage_daily").fetchone()
    assert counted == (3,)


def test_a_batch_too_large_for_a_message_is_sent_in_several(
    client: Any, queue_url: str, writer: SqsWriter, database: Database
) -> None:
    finals = [final(session_id="s" * 3000) for _ in range(500)]
    asyncio.run(UsageQueue(queue_url).add([encode(one) for one in finals]))
    messages = received(client, queue_url)
    assert len(messages) > 1
    assert max(len(message["Body"]) for message in messages) < 1024 * 1024
    assert writer.write(sqs_event(messages)["Records"]) == []
    assert states(database).keys() == {one.request_id for one in finals}


def test_a_poisoned_message_is_set_aside_and_the_others_are_written(
    client: Any, queue_url: str, writer: SqsWriter, database: Database
) -> None:
    good = final()
    asyncio.run(UsageQueue(queue_url).add([encode(good)]))
    for body in ("no base64!", b64encode(b"no batch").decode()):
        client.send_message(QueueUrl=queue_url, MessageBody=body)
    assert writer.write(sqs_event(received(client, queue_url))["Records"]) == []
    assert states(database) == {good.request_id: "final"}
    rows = database.execute("SELECT stream_id, payload FROM usage_quarantine").fetchall()
    assert sorted(bytes(payload) for _, payload in rows) == [b"no base64!", b"no batch"]
    assert all(stream_id.startswith("sqs:") for stream_id, _ in rows)


def test_only_the_messages_that_postgresql_refuses_come_again(
    client: Any, queue_url: str, writer: SqsWriter, database: Database
) -> None:
    """A refusal that is not the record's own fault: a trigger of the operator's, say."""
    database.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
    )
    ensure_ahead(database, datetime.now(UTC))
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON llm_usage_logs FOR EACH ROW"
        " WHEN (NEW.user_id = 'refused') EXECUTE FUNCTION refuse()"
    )
    good, refused = final(), final(user_id="refused")
    queue = UsageQueue(queue_url)
    for one in (good, refused):
        asyncio.run(queue.add([encode(one)]))
    messages = received(client, queue_url)
    failed = writer.write(sqs_event(messages)["Records"])
    assert failed == [messages[1]["MessageId"]]
    assert states(database) == {good.request_id: "final"}


def test_every_message_comes_again_while_postgresql_is_away() -> None:
    away = SqsWriter(ThreadConnections("postgresql://nobody@127.0.0.1:1/none"))
    assert away.write([recorded("sqs")]) == [recorded("sqs")["messageId"]]


def test_the_handler_answers_as_lambda_reads_partial_failures(
    client: Any,
    queue_url: str,
    database: Database,
    migrated_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    one = final()
    asyncio.run(UsageQueue(queue_url).add([encode(one)]))
    assert handler(sqs_event(received(client, queue_url)), None) == {"batchItemFailures": []}
    assert states(database) == {one.request_id: "final"}
    assert handler({"job": "usage.partitions"}, None) == {"done": "usage.partitions"}
    with pytest.raises(NoSuchJob):
        handler(recorded("schedule"), None)
    for kept in (sqs._writer, job._writer):
        kept().close()
        kept.cache_clear()


def test_a_queue_that_is_gone_leaves_the_batch_to_the_spool(client: Any, queue_url: str) -> None:
    with pytest.raises(UsageQueueAway):
        asyncio.run(UsageQueue(queue_url + "-gone").add([encode(final())]))
