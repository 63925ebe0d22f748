"""Usage of a completions Lambda is sent on before its last byte: what was not may never be."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import decode_batch
from shared.spool.stream import FIELD
from tests.fakes.aws_server import AwsServer
from tests.fakes.place import Place
from tests.fakes.raw_server import RawServer, answers_always
from tests.fakes.runtime_api import Answer
from tests.infra.lambda_chat import FIRST, Chat, StartChat

PROVIDER_FAILS = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"


class Queue:
    """The queue of usage: the ids of the requests whose usage is in it."""

    def __init__(self, services: AwsServer, url: str) -> None:
        self._services, self._url = services, url

    def ids(self) -> list[str]:
        messages = self._services.received(self._url)
        return [name for one in messages for name in ids_in(b64decode(one["Body"]))]


class Stream:
    """The same of Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def ids(self) -> list[str]:
        entries: list[tuple[bytes, dict[bytes, bytes]]] = self._client.xrange(USAGE_STREAM)
        self._client.delete(USAGE_STREAM)
        field = FIELD if isinstance(FIELD, bytes) else FIELD.encode()
        return [name for _, fields in entries for name in ids_in(fields[field])]


def ids_in(batch: bytes) -> list[str]:
    return [final.request_id for final in decode_batch(batch).finals]


@pytest.fixture
def queue(services: AwsServer, queue_url: str) -> Queue:
    return Queue(services, queue_url)


@pytest.fixture
def stream(place: Place) -> Iterator[Stream]:
    with redis.Redis.from_url(place.redis_url) as client:
        yield Stream(client)


@pytest.fixture(params=["queue", "stream"])
def sent_to(request: pytest.FixtureRequest) -> Queue | Stream:
    return request.getfixturevalue(request.param)


@pytest.fixture
def chat(start_chat: StartChat, sent_to: Queue | Stream) -> Chat:
    """Without a queue, usage goes to Redis, as it does elsewhere."""
    return start_chat() if isinstance(sent_to, Queue) else start_chat(USAGE_QUEUE_URL="")


def request_id(answer: Answer) -> str:
    return answer.prelude()["headers"]["x-request-id"]


def test_usage_is_out_before_the_end_of_an_answer(
    chat: Chat, provider: RawServer, sent_to: Queue | Stream
) -> None:
    answer = chat.ask()
    answer.wait_for_text(FIRST)
    assert sent_to.ids() == []
    provider.open("rest")
    assert answer.body().endswith(b"data: [DONE]\n\n")
    # The process stood still before its last bytes were passed on: what is here was sent before.
    assert chat.adapter.frozen.is_set()
    assert sent_to.ids() == [request_id(answer)]
    for _ in range(2):
        answer = chat.ask(stream=False)
        assert answer.prelude()["statusCode"] == 200
        assert chat.adapter.frozen.is_set()
        assert sent_to.ids() == [request_id(answer)]


def status_and_code(answer: Answer) -> tuple[int, str | None]:
    error: dict[str, Any] = json.loads(answer.body()).get("error", {})
    return answer.prelude()["statusCode"], error.get("code")


def test_while_the_queue_is_away_one_answer_waits_on_disk_and_the_next_is_refused(
    start_chat: StartChat, provider: RawServer, services: AwsServer, queue: Queue
) -> None:
    chat = start_chat()
    services.is_away = True
    try:
        answered = chat.ask(stream=False)
        assert status_and_code(answered) == (200, None)
        for _ in range(2):
            refused = chat.ask(stream=False)
            assert status_and_code(refused) == (503, "usage_spool_full")
            assert "retry-after" in refused.prelude()["headers"]
        assert chat.adapter.frozen.is_set()
        assert '"event":"usage.unconfirmed","level":"error"' in chat.adapter.function.output()
    finally:
        services.is_away = False
    assert len(provider.requests) == 1
    after = chat.ask(stream=False)
    assert status_and_code(after) == (200, None)
    assert chat.adapter.frozen.is_set()
    assert queue.ids() == [request_id(answered), request_id(after)]


def delayed(services: AwsServer, queue_url: str) -> int:
    name = "ApproximateNumberOfMessagesDelayed"
    sqs = services.clients["sqs"]
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(found["Attributes"][name])


def test_an_environment_that_dies_in_a_stream_has_left_word_of_it(
    start_chat: StartChat, services: AwsServer, queue_url: str
) -> None:
    chat = start_chat()
    chat.ask().wait_for_text(FIRST)
    ends = time.monotonic() + 10
    while delayed(services, queue_url) != 1 and time.monotonic() < ends:
        time.sleep(0.05)
    chat.adapter.function.process.kill()
    assert delayed(services, queue_url) == 1


def test_the_line_of_a_request_is_out_before_the_process_is_frozen(chat: Chat) -> None:
    answer = chat.ask(stream=False)
    assert answer.prelude()["statusCode"] == 200
    assert chat.adapter.frozen.wait(10)
    assert request_id(answer) in chat.adapter.function.output()


def test_the_usage_of_a_request_that_failed_is_out_before_it_is_told(
    start_chat: StartChat, queue: Queue
) -> None:
    with RawServer(answers_always(PROVIDER_FAILS)) as failing:
        chat = start_chat(OPENAI_BASE_URL=f"{failing.url}/v1")
        failed = chat.ask(stream=False)
        assert status_and_code(failed) == (502, "all_candidates_failed")
        assert chat.adapter.frozen.is_set()
    assert queue.ids() == [request_id(failed)]
