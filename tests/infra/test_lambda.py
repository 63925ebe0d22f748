"""Functions as Lambda runs them: out of their package, by AWS's own runtime interface client.

Nothing here ran on AWS. The Runtime API is tests/fakes/runtime_api.py, SQS and Secrets Manager are
moto's, and the Lambda Web Adapter is a double of what its documents say. The function's process,
its start and its environment are the template's, PostgreSQL and Valkey are real.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.auth.token import mint
from shared.db.access_tokens import create_token
from shared.embedded import free_port
from shared.usage.batch import decode_batch
from shared.usage.record import UsageFinal
from shared.vault.keyring import generate_key
from tests.fakes.aws_server import AwsServer
from tests.fakes.lambda_events import request
from tests.fakes.lambda_runtime import LambdaProcess
from tests.fakes.place import NewPlace, Place
from tests.fakes.raw_server import RawServer, Wire
from tests.fakes.runtime_api import Answer, RuntimeApi
from tests.fakes.web_adapter import WebAdapter
from tests.infra import aws
from tests.infra.lambda_place import environment, package

MODEL = "openai/gpt-6.1-terra"
FIRST, SECOND = b"The first words", b" and the last."


@pytest.fixture(scope="module")
def place(new_place: NewPlace) -> Place:
    return new_place("lambda")


@pytest.fixture(scope="module")
def token(place: Place) -> str:
    token = mint()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name="lambda",
            user_id="lambda",
            team_id=None,
            tier="professional",
            role="user",
        )
    return token


@pytest.fixture(scope="module")
def services() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


@pytest.fixture
def queue_url(services: AwsServer) -> Iterator[str]:
    sqs = services.clients["sqs"]
    url = sqs.create_queue(QueueName="usage")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def key_ring(services: AwsServer) -> str:
    secrets = services.clients["secretsmanager"]
    return secrets.create_secret(Name="ring", SecretString=generate_key())["ARN"]


def settings(place: Place, **more: str) -> dict[str, str]:
    return {"DATABASE_URL": place.database_url, "REDIS_URL": place.redis_url, **more}


Run = Callable[..., RuntimeApi]


@pytest.fixture
def run(tmp_path: Path, place: Place) -> Iterator[Run]:
    """Start a function by its template's handler; its Runtime API."""
    with ExitStack() as stack:

        def start(name: str, **more: str) -> RuntimeApi:
            root = package(name, tmp_path)
            api = stack.enter_context(RuntimeApi())
            variables = environment(name, settings(place, **more), {}, root)
            handler = aws.functions()[name]["Handler"]
            stack.enter_context(LambdaProcess.with_runtime(handler, api, variables, root))
            return api

        yield start


@pytest.mark.parametrize("kind", ["http_api", "function_url"])
def test_models_answers_events_under_awss_runtime_client(run: Run, token: str, kind: str) -> None:
    api = run("models")

    def get(path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        answer = api.invoke(request(kind, path, headers=headers))
        result = answer.result()
        assert not answer.streams
        return result["statusCode"], json.loads(result["body"])

    bearer = {"authorization": f"Bearer {token}"}
    status, body = get("/v1/models", **bearer)
    assert (status, len(body["data"])) == (200, 4)
    assert get("/v1/models", authorization="Bearer wrong")[0] == 401
    assert get("/api/v1/llm/models/gone", **bearer)[0] == 404
    # Another function's route: the HTTP API does not lead it here.
    assert get("/api/v1/llm/providers", **bearer)[0] == 404


def test_a_missing_setting_fails_the_call_and_the_process_lives_on(run: Run) -> None:
    api = run("models", DATABASE_URL="")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="DATABASE_URL is not set"):
            api.invoke(request("http_api", "/v1/models")).result()


def event(content: bytes) -> bytes:
    return b"data: " + content + b"\n\n"


def delta(text: bytes) -> bytes:
    return event(b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}' % text)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "All of it."},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_ANSWER),
    _ANSWER,
)


async def streams(wire: Wire) -> None:
    """A provider that says half, and the rest when the test opens the gate; or all at once."""
    while True:
        if b'"stream":true' not in (await wire.request()).replace(b" ", b""):
            await wire.send(WHOLE)
            continue
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        await wire.send(head + b"transfer-encoding: chunked\r\n\r\n" + chunk(delta(FIRST)))
        await wire.gate("rest")
        last = event(b'{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop"}]}')
        usage = b'{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}'
        last += event(b'{"id":"c","model":"m","choices":[],"usage":%b}' % usage)
        await wire.send(chunk(delta(SECOND) + last + event(b"[DONE]")) + chunk(b""))


@pytest.fixture
def provider() -> Iterator[RawServer]:
    with RawServer(streams) as server:
        yield server


class Chat:
    """The completions Lambda behind its adapter."""

    def __init__(self, api: RuntimeApi, adapter: WebAdapter, token: str) -> None:
        self.api, self.adapter, self._token = api, adapter, token

    def ask(self, *, stream: bool = True) -> Answer:
        body = {
            "model": MODEL,
            "stream": stream,
            "messages": [{"role": "user", "content": "Say something"}],
        }
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        return self.api.invoke(
            request(
                "function_url",
                "/v1/chat/completions",
                method="POST",
                headers=headers,
                body=json.dumps(body),
            )
        )


@pytest.fixture
def chat(
    tmp_path: Path,
    place: Place,
    token: str,
    provider: RawServer,
    services: AwsServer,
    queue_url: str,
    key_ring: str,
) -> Iterator[Chat]:
    name = "chat_completions"
    root = package(name, tmp_path)
    given = settings(
        place, OPENAI_API_KEY="sk-openai-of-the-platform", OPENAI_BASE_URL=f"{provider.url}/v1"
    )
    stack = {
        "USAGE_QUEUE_URL": queue_url,
        "BYOK_KEY_SOURCE": f"aws-secretsmanager:{key_ring}",
        # Of the machine: Lambda's own are free by definition.
        "PORT": str(free_port()),
        "SWITCHYARD_DATA_DIR": str(tmp_path / "data"),
    }
    variables = environment(name, given, stack, root) | services.environment
    with RuntimeApi() as api, WebAdapter(api, variables, root) as adapter:
        yield Chat(api, adapter, token)


def finals(messages: list[dict[str, Any]]) -> list[UsageFinal]:
    return [
        final for message in messages for final in decode_batch(b64decode(message["Body"])).finals
    ]


def test_a_stream_comes_while_the_provider_speaks_and_its_usage_is_out_before_its_end(
    chat: Chat, provider: RawServer, services: AwsServer, queue_url: str
) -> None:
    answer = chat.ask()
    answer.wait_for_text(FIRST)
    assert not answer.is_over
    assert SECOND not in b"".join(answer.chunks)
    provider.open("rest")
    assert answer.body().endswith(b"data: [DONE]\n\n")
    assert SECOND in answer.body()
    assert answer.streams
    assert answer.prelude()["statusCode"] == 200
    assert answer.prelude()["headers"]["content-type"].startswith("text/event-stream")
    # The process stood still before its last bytes were passed on: what is here was sent before.
    assert chat.adapter.frozen.is_set()
    (final,) = finals(services.received(queue_url))
    assert (final.request_id, final.total_tokens) == (
        answer.prelude()["headers"]["x-request-id"],
        18,
    )


def test_a_whole_answers_usage_is_out_before_it(
    chat: Chat, services: AwsServer, queue_url: str
) -> None:
    for number in range(2):
        answer = chat.ask(stream=False)
        metadata = json.loads(answer.body())["_metadata"]
        assert answer.prelude()["statusCode"] == 200
        assert chat.adapter.frozen.is_set()
        messages = services.received(queue_url)
        assert [one.request_id for one in finals(messages)] == [metadata["request_id"]], number
