"""Queues, schedules and failures under AWS's own runtime interface client."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest

from shared.aws.jobs import run_job
from shared.function import Function
from shared.jobs import CHECK_HEALTH, TRIM
from shared.ledger.partitions import ensure_ahead
from shared.spool.queue import UsageQueue
from tests.fakes.aws_server import REGION, AwsServer
from tests.fakes.lambda_events import request, sqs_event
from tests.fakes.place import Place
from tests.fakes.raw_server import RawServer, Wire
from tests.fakes.usage_records import final, intent
from tests.infra import aws
from tests.infra.lambda_place import Run, RunningLambda, make_token

PASSWORD = "s3cret-of-the-database"

Database = psycopg.Connection[Any]


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def refusing(database: Database) -> Iterator[str]:
    """A user whose rows PostgreSQL refuses, for no fault of theirs: a trigger of the operator's."""
    ensure_ahead(database, datetime.now(UTC))
    database.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON llm_usage_logs FOR EACH ROW"
        " WHEN (NEW.user_id = 'refused') EXECUTE FUNCTION refuse()"
    )
    yield "refused"
    database.execute("DROP FUNCTION refuse CASCADE")


def test_of_a_batch_only_what_could_not_be_written_is_named_to_come_again(
    run: Run,
    services: AwsServer,
    queue_url: str,
    database: Database,
    refusing: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    good, refused = final(), final(user_id=refusing)
    queue = UsageQueue(queue_url)
    for one in (good, refused):
        asyncio.run(queue.add([msgspec.msgpack.encode(one)]))
    poison = b64encode(b"no batch").decode()
    services.clients["sqs"].send_message(QueueUrl=queue_url, MessageBody=poison)
    messages = services.received(queue_url)
    assert len(messages) == 3
    answer = run("write_usage").invoke(sqs_event(messages))
    assert answer.result() == {"batchItemFailures": [{"itemIdentifier": messages[1]["MessageId"]}]}
    rows = database.execute("SELECT request_id FROM llm_usage_logs").fetchall()
    assert rows == [(good.request_id,)]
    set_aside = database.execute("SELECT stream_id, payload FROM usage_quarantine").fetchall()
    assert [(name, bytes(payload)) for name, payload in set_aside] == [
        (f"sqs:{messages[2]['MessageId']}", b"no batch")
    ]


def scheduled(name: str) -> list[dict[str, Any]]:
    """What the template has EventBridge send to a function."""
    events = aws.functions()[name]["Events"].values()
    return [json.loads(one["Properties"]["Input"]) for one in events if one["Type"] == "Schedule"]


def partitions(database: Database) -> int:
    found = database.execute(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'llm_usage_logs'::regclass"
    ).fetchone()
    assert found is not None
    return found[0]


def test_a_schedule_runs_the_job_that_its_rule_names(run: Run, database: Database) -> None:
    (event,) = scheduled("write_usage")
    for (name,) in database.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'llm_usage_logs'::regclass"
    ).fetchall():
        database.execute(f"DROP TABLE {name}".encode())
    assert run("write_usage").invoke(event).result() == {"done": "usage.partitions"}
    assert partitions(database) >= 2


def test_a_schedule_runs_the_job_of_a_function_without_an_entry_of_its_own(run: Run) -> None:
    (event,) = scheduled("deliver_billing")
    assert run("deliver_billing").invoke(event).result() == {"done": "billing.deliver"}


@pytest.mark.parametrize("event", scheduled("clock"), ids=lambda event: event["job"])
def test_what_the_clock_does_itself_is_done_by_a_schedule(run: Run, event: dict[str, Any]) -> None:
    assert run("clock").invoke(event).result() == {"done": event["job"]}


def test_health_that_nobody_checks_any_more_is_unknown_on_lambda_too(
    run: Run, database: Database
) -> None:
    database.execute(
        "UPDATE llm_providers SET health_status = 'healthy', is_active = true,"
        " health_last_checked = now() - interval '1 day' WHERE provider_slug = 'groq'"
    )
    run("clock").invoke({"job": "health.stale"}).result()
    [(status,)] = database.execute(
        "SELECT health_status FROM llm_providers WHERE provider_slug = 'groq'"
    ).fetchall()
    assert status == "unknown"


def test_an_intent_whose_environment_died_becomes_a_row_that_a_final_one_takes_over(
    run: Run,
    services: AwsServer,
    queue_url: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    left, answered = intent(), intent()
    queue, write = UsageQueue(queue_url), run("write_usage")

    def written() -> list[Any]:
        assert write.invoke(sqs_event(services.received(queue_url))).result() == {
            "batchItemFailures": []
        }
        return database.execute(
            "SELECT request_id, state FROM llm_usage_logs WHERE request_id = ANY(%s)"
            " ORDER BY state",
            ([left.request_id, answered.request_id],),
        ).fetchall()

    now_ms = time.time_ns() // 1_000_000
    asyncio.run(queue.add([msgspec.msgpack.encode(final(request_id=answered.request_id))]))
    for one in (left, answered):
        asyncio.run(queue.hold(msgspec.msgpack.encode(one), now_ms))
    states = [(answered.request_id, "final"), (left.request_id, "indeterminate")]
    assert written() == states
    asyncio.run(queue.add([msgspec.msgpack.encode(final(request_id=left.request_id))]))
    assert [state for _, state in written()] == ["final", "final"]
    asyncio.run(queue.hold(msgspec.msgpack.encode(left), now_ms + 3600_000))
    assert services.received(queue_url) == [], "until its deadline nobody is told"


async def takes_calls(wire: Wire) -> None:
    while True:
        await wire.request()
        await wire.send(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")


def test_a_check_by_hand_calls_the_function_that_checks_and_names_its_run(
    run: Run, services: AwsServer, place: Place
) -> None:
    ask = request(
        "http_api",
        "/api/v1/admin/llm/health/check",
        method="POST",
        headers={"authorization": f"Bearer {make_token(place, role='admin')}"},
    )
    with RawServer(takes_calls) as lambda_:
        way = services.environment | {"AWS_ENDPOINT_URL_LAMBDA": lambda_.url}
        health = run("health", HEALTH_CHECK_LAMBDA="check-health-of-the-stack", **way)
        answer = health.invoke(ask).result()
    assert answer["statusCode"] == 202
    [call] = lambda_.requests
    head, _, body = call.partition(b"\r\n\r\n")
    assert b"/functions/check-health-of-the-stack/invocations" in head
    assert b"x-amz-invocation-type: event" in head.lower()
    assert json.loads(body) == {"job": "health.check", "run": json.loads(answer["body"])["run"]}


def test_a_job_is_told_the_name_of_its_run_where_it_takes_one() -> None:
    told: list[str | None] = []
    jobs = {CHECK_HEALTH: lambda run=None: told.append(run), TRIM: lambda: told.append("trimmed")}
    function = Function(name="of_this_test", jobs=jobs)
    for event in ({"job": "health.check"}, {"job": "health.check", "run": "r"}):
        run_job(function, event)
    run_job(function, {"job": "clock.trim", "run": "r"})
    assert told == [None, "r", "trimmed"]


def failure(function: RunningLambda, event: dict[str, Any]) -> dict[str, Any]:
    answer = function.invoke(event)
    with pytest.raises(RuntimeError):
        answer.result()
    assert answer.error is not None
    return answer.error


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SWITCHYARD_FUNCTION": ""}, "SWITCHYARD_FUNCTION is not set, for example"),
        ({"SWITCHYARD_FUNCTION": "modles"}, "functions.modles"),
    ],
    ids=["no function", "a typing error"],
)
def test_what_cannot_be_imported_fails_the_start_and_says_what(
    run: Run, variables: dict[str, str], says: str
) -> None:
    models = run("models", **variables)
    assert models.api.failed_to_start.wait(30)
    assert models.api.init_error is not None
    assert says in models.api.init_error["errorMessage"]
    assert models.function.process.wait(10) == 1


@pytest.mark.parametrize(
    ("url", "kind", "says"),
    [
        ("", "SettingsInvalid", "DATABASE_URL is not set, for example DATABASE_URL=postgresql://"),
        (f"postgresql://u:{PASSWORD}%@db/x", "SettingsInvalid", "percent-encode"),
        (f"postgresql://u:{PASSWORD}/@db/x", "SettingsInvalid", "percent-encode"),
        (f"postgresql://u:{PASSWORD}@127.0.0.1:9/x", "OperationalError", "127.0.0.1"),
    ],
    ids=["none", "not encoded", "with a slash", "that nobody answers"],
)
def test_a_failure_names_the_setting_and_not_the_secret_in_it(
    run: Run, url: str, kind: str, says: str
) -> None:
    write_usage = run("write_usage", DATABASE_URL=url)
    error = failure(write_usage, {"job": "usage.partitions"})
    assert error["errorType"] == kind
    assert says in error["errorMessage"]
    assert PASSWORD not in json.dumps(error)
    assert PASSWORD not in write_usage.function.output()


def test_an_event_that_names_no_job_is_told_which_there_are(run: Run) -> None:
    error = failure(run("write_usage"), {"job": "usage.partition"})
    assert error["errorType"] == "NoSuchJob"
    assert "usage.partitions" in error["errorMessage"]
