"""Functions as Lambda runs them: out of their package, by AWS's own runtime interface client."""

from __future__ import annotations

import json
import signal
from base64 import b64decode
from typing import Any

import pytest

from shared.settings import DrainSettings
from shared.usage.batch import decode_batch
from shared.usage.record import UsageFinal
from tests.fakes.aws_server import AwsServer
from tests.fakes.lambda_events import request
from tests.fakes.raw_server import RawServer
from tests.infra.lambda_chat import FIRST, SECOND, Chat
from tests.infra.lambda_place import Run


@pytest.mark.parametrize("kind", ["http_api", "function_url"])
def test_models_answers_events_under_awss_runtime_client(run: Run, token: str, kind: str) -> None:
    models = run("models")

    def get(path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        answer = models.invoke(request(kind, path, headers=headers))
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
    models = run("models", DATABASE_URL="")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="DATABASE_URL is not set"):
            models.invoke(request("http_api", "/v1/models")).result()


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


def test_a_completions_lambda_ends_at_once_when_it_is_shut_down(chat: Chat) -> None:
    assert chat.ask(stream=False).prelude()["statusCode"] == 200
    assert chat.adapter.frozen.wait(10)
    function = chat.adapter.function
    function.terminate()
    # Sooner than a web process elsewhere stops to take requests; uvicorn ends by what ended it.
    assert function.process.wait(DrainSettings().drain_s) == -signal.SIGTERM, function.output()
