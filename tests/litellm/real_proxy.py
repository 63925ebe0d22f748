"""A real LiteLLM proxy as the gateway's upstream: `make test-litellm`.

Not named test_*: the suite does not collect it. The proxy lives in a virtual environment of its
own (RELIABILITY.md section 1, row 13: it is never among our dependencies).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import psycopg
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from psycopg.types.json import Jsonb

from shared.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fakes.gateway import Deployment, ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

MASTER_KEY = "sk-master-of-this-run"
MODELS = {
    "openai": (
        *("mock-text", "mock-tools", "mock-rate-limited", "mock-too-long", "mock-broken"),
        *("real-http", "not-in-the-proxy"),
    ),
    "anthropic": ("real-http",),
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Looks something up",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]
_START_S = 90


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(simulated: SimulatedProvider) -> Iterator[str]:
    program = os.environ.get("LITELLM")
    assert program, "LITELLM must name the program of a LiteLLM proxy: use `make test-litellm`"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_TELEMETRY": "False",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "NO_DOCS": "True",
        "SIMULATED_OPENAI_BASE": f"{simulated.url}/openai/v1",
        "SIMULATED_ANTHROPIC_BASE": f"{simulated.url}/anthropic",
    }
    config = Path(__file__).with_name("proxy.yaml")
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            if not _is_alive(url, process):
                output.seek(0)
                pytest.fail(f"the proxy did not start: {output.read().decode()[-3000:]}")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _is_alive(url: str, process: subprocess.Popen[bytes]) -> bool:
    ends = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < ends:
        try:
            if httpx.get(f"{url}/health/liveliness", trust_env=False).status_code == 200:
                return True
        except httpx.TransportError:
            time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def deployment(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
    proxy: str,
) -> Deployment:
    url = postgres_server.dsn_of(migrated_template)
    with psycopg.connect(url, autocommit=True) as connection:
        for slug, names in MODELS.items():
            for name in names:
                _add_model(connection, slug, name)
    return Deployment(
        database_url=url,
        redis_url=shared_valkey.url,
        data_dir=tmp_path_factory.mktemp("data"),
        simulated_url=None,
        more={"LITELLM_PROXY_URL": proxy, "LITELLM_MASTER_KEY": MASTER_KEY},
    )


def _add_model(connection: psycopg.Connection[Any], slug: str, name: str) -> None:
    row = connection.execute(
        "INSERT INTO llm_models (provider_id, model_name, model_id, supports_function_calling)"
        " SELECT id, %s, %s, true FROM llm_providers WHERE provider_slug = %s RETURNING id",
        [name, name, slug],
    ).fetchone()
    assert row is not None
    tier = {"start_tokens": 0, "input": "1", "output": "2", "cached": None, "cache_write": None}
    connection.execute(
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " VALUES (%s, 1, now(), 'test', now(), %s)",
        [row[0], Jsonb({"tiers": [tier]})],
    )


@pytest.fixture(scope="module")
def gateway(deployment: Deployment) -> Iterator[UvicornServer]:
    with deployment.worker(), deployment.web() as web:
        yield web


def row_of(deployment: Deployment, request_id: str) -> dict[str, Any]:
    rows = deployment.rows_when(lambda rows: any(one["request_id"] == request_id for one in rows))
    return next(one for one in rows if one["request_id"] == request_id)


def usd_of(usage: dict[str, Any]) -> Decimal:
    return Decimal(usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000


def chunks_of(text: str) -> list[dict[str, Any]]:
    data = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    return [json.loads(one) for one in data]


@pytest.mark.parametrize("model", ["openai/mock-text", "openai/real-http", "anthropic/real-http"])
def test_json_is_billed_by_our_price_and_the_proxys_stands_beside_it(
    gateway: UvicornServer, deployment: Deployment, model: str
) -> None:
    answer = ask(gateway.url, "Hello", model=model)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    metadata = body.pop("_metadata")
    ChatCompletion.model_validate(body)
    assert metadata["provider_used"] == model.partition("/")[0]
    assert metadata["attempts"][0]["via"] == "litellm"
    row = row_of(deployment, metadata["request_id"])
    assert row["prompt_tokens"] == body["usage"]["prompt_tokens"] > 0
    assert row["completion_tokens"] == body["usage"]["completion_tokens"] > 0
    assert row["cost_quality"] == "measured"
    assert row["cost_total_usd"] == usd_of(body["usage"])
    assert row["provider_cost_usd"] == row["cost_total_usd"]


@pytest.mark.parametrize("model", ["openai/mock-text", "openai/real-http", "anthropic/real-http"])
def test_a_stream_is_billed_as_its_json(
    gateway: UvicornServer, deployment: Deployment, model: str
) -> None:
    answer = ask(gateway.url, "Hello", model=model, stream=True)
    assert answer.status_code == 200, answer.text
    *chunks, last = chunks_of(answer.text)
    parsed = [ChatCompletionChunk.model_validate(one) for one in chunks]
    assert "".join(one.choices[0].delta.content or "" for one in parsed if one.choices)
    assert all(not one.get("usage") for one in chunks), "usage that nobody asked for"
    row = row_of(deployment, last["_metadata"]["request_id"])
    assert row["cost_quality"] == "measured"
    tokens = {name: row[name] for name in ("prompt_tokens", "completion_tokens")}
    assert row["cost_total_usd"] == usd_of(tokens) > 0
    assert row["provider_cost_usd"] == row["cost_total_usd"]


def test_two_parallel_calls_of_a_tool_come_through(gateway: UvicornServer) -> None:
    question: Any = {"role": "user", "content": "The weather in Oslo and Rome?"}
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="test-user-token") as client:
        asked: Any = {"messages": [question], "tools": TOOLS, "model": "openai/mock-tools"}
        answer = client.chat.completions.create(**asked)
    calls = answer.choices[0].message.tool_calls or ()
    assert [call.id for call in calls] == ["call_1", "call_2"]
    arguments = [json.loads(call.function.arguments) for call in calls if call.type == "function"]
    assert arguments == [{"place": "Oslo"}, {"place": "Rome"}]


@pytest.mark.parametrize("model", ["openai/real-http", "anthropic/real-http"])
def test_two_parallel_calls_come_through_a_stream(gateway: UvicornServer, model: str) -> None:
    question: Any = {"role": "user", "content": "Please call two tools"}
    calls: dict[int, list[str]] = {}
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="test-user-token") as client:
        asked: Any = {"messages": [question], "tools": TOOLS, "model": model}
        for chunk in client.chat.completions.create(**asked, stream=True):
            for call in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
                said = call.function.arguments if call.function else None
                calls.setdefault(call.index, []).append(said or "")
    arguments = [json.loads("".join(calls[place])) for place in sorted(calls)]
    assert [type(one) for one in arguments] == [dict, dict]


@pytest.mark.parametrize("model", ["openai/real-http", "anthropic/real-http"])
def test_a_tool_is_called_and_its_result_sent_back(gateway: UvicornServer, model: str) -> None:
    question: Any = {"role": "user", "content": "Please call tool now"}
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="test-user-token") as client:
        asked: Any = {"model": model, "tools": TOOLS}
        called = client.chat.completions.create(messages=[question], **asked)
        (call,) = called.choices[0].message.tool_calls or ()
        result: Any = {"role": "tool", "tool_call_id": call.id, "content": "42"}
        said: Any = called.choices[0].message
        answered = client.chat.completions.create(messages=[question, said, result], **asked)
    assert answered.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("mock-rate-limited", 429, "provider_rate_limited"),
        # The proxy tells these two apart by its wording alone, which is not read.
        ("mock-too-long", 400, "provider_refused_request"),
        ("not-in-the-proxy", 400, "provider_refused_request"),
        ("mock-broken", 502, "all_candidates_failed"),
    ],
)
def test_an_error_is_told_apart_and_says_why(
    gateway: UvicornServer, model: str, status: int, code: str, stream: bool
) -> None:
    answer = ask(gateway.url, model=f"openai/{model}", stream=stream)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    if model.startswith("mock-"):
        assert "this is a mock" in error["message"]
    assert MASTER_KEY not in answer.text


def test_a_wrong_master_key_is_the_operators_fault(deployment: Deployment) -> None:
    environment = {**deployment.environment, "LITELLM_MASTER_KEY": "sk-another"}
    with UvicornServer(
        "functions.gateway.app:app", ready="/readyz", environment=environment
    ) as web:
        answer = ask(web.url, model="openai/mock-text")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "platform_key_refused"


def test_the_proxy_is_alive_in_readyz(gateway: UvicornServer) -> None:
    checks = httpx.get(f"{gateway.url}/readyz", trust_env=False).json()["checks"]
    assert checks["litellm_proxy"] == "ok"


@pytest.mark.parametrize("steering", ["fallbacks", "context_window_fallback_dict"])
def test_a_caller_opens_no_other_model_behind_the_proxy(
    gateway: UvicornServer, steering: str
) -> None:
    """Under the master key LiteLLM would fall over to whatever the body names."""
    others = {
        "fallbacks": ["openai/mock-text"],
        "context_window_fallback_dict": {"openai/mock-too-long": "openai/mock-text"},
    }
    model = "openai/mock-broken" if steering == "fallbacks" else "openai/mock-too-long"
    answer = ask(gateway.url, "Hello", model=model, **{steering: others[steering]})
    assert answer.status_code in (400, 502), answer.text
