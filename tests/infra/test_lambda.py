"""Functions as Lambda runs them: out of their package, by AWS's own runtime interface client."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from shared.settings import DrainSettings
from tests.fakes.lambda_events import request
from tests.fakes.raw_server import RawServer
from tests.infra.lambda_chat import FIRST, SECOND, Chat
from tests.infra.lambda_place import Run


@pytest.mark.parametrize("kind", ["http_api", "function_url"])
def test_models_answers_events_under_awss_runtime_client(run: Run, token: str, kind: str) -> None:
    models = run("models", OPENAI_API_KEY="sk-of-nobody")

    def get(path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        answer = models.invoke(request(kind, path, headers=headers))
        result = answer.result()
        assert not answer.streams
        return result["statusCode"], json.loads(result["body"])

    bearer = {"authorization": f"Bearer {token}"}
    status, body = get("/v1/models", **bearer)
    assert status == 200
    assert {"eco", "gpt-4o-mini"} <= {one["id"] for one in body["data"]}
    assert get("/v1/models", authorization="Bearer wrong")[0] == 401
    assert get("/api/v1/llm/models/gone", **bearer)[0] == 404
    # Another function's route: the HTTP API does not lead it here.
    assert get("/api/v1/llm/providers", **bearer)[0] == 404


def test_a_missing_setting_fails_the_call_and_the_process_lives_on(run: Run) -> None:
    models = run("models", DATABASE_URL="")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="DATABASE_URL is not set"):
            models.invoke(request("http_api", "/v1/models")).result()


def test_a_stream_comes_while_the_provider_speaks(chat: Chat, provider: RawServer) -> None:
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


def test_a_completions_lambda_ends_at_once_when_it_is_shut_down(chat: Chat) -> None:
    answer = chat.ask(stream=False)
    assert answer.prelude()["statusCode"] == 200, answer.body()
    assert chat.adapter.frozen.wait(10)
    function = chat.adapter.function
    function.terminate()
    # Sooner than a web process elsewhere stops to take requests; uvicorn ends by what ended it.
    assert function.process.wait(DrainSettings().drain_s) == -signal.SIGTERM, function.output()
