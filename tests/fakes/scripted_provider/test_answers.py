"""What is said beyond the shipped answers: JSON that fits a schema, and errors."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import openai
import pytest

from tests.fakes.simulated import SimulatedProvider


def ask(client: httpx.Client, schema: dict[str, Any]) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    messages = [{"role": "user", "content": "hello"}]
    body = {"model": "m", "messages": messages, "response_format": wanted}
    said = client.post("/chat/completions", json=body).json()
    return msgspec.json.decode(said["choices"][0]["message"]["content"])


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "simulated"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, 1.5),
        (
            {
                "$defs": {"Inner": {"type": "object", "properties": {"n": {"type": "integer"}}}},
                "type": "object",
                "properties": {"inner": {"$ref": "#/$defs/Inner"}},
            },
            {"inner": {"n": 1}},
        ),
        ({"$ref": "#/$defs/Missing"}, None),
    ],
)
def test_a_schema_is_answered_with_what_fits_it(
    client: httpx.Client, schema: dict[str, Any], value: Any
) -> None:
    assert ask(client, schema) == value


def test_a_schema_without_an_end_is_answered(client: httpx.Client) -> None:
    assert "next" in ask(client, {"properties": {"next": {"$ref": "#"}}})


def test_a_name_that_asks_for_an_unknown_fault_is_refused(client: httpx.Client) -> None:
    answer = client.get("/models/simulate-nonsense")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_fault")


def test_a_completion_names_its_rate_limits(client: httpx.Client) -> None:
    for stream in (False, True):
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        answer = client.post("/chat/completions", json=body)
        assert int(answer.headers["x-ratelimit-remaining-requests"]) > 0
        assert int(answer.headers["x-ratelimit-remaining-tokens"]) > 0


def test_the_official_client_raises_its_own_errors_and_waits_as_told(
    provider: SimulatedProvider,
) -> None:
    base = f"{provider.url}/openai/v1"
    with (
        openai.OpenAI(base_url=base, api_key="sk-test", max_retries=1, timeout=5) as official,
        pytest.raises(openai.RateLimitError) as limited,
    ):
        official.chat.completions.create(
            model="simulate-status-429-retry-1", messages=[{"role": "user", "content": "hello"}]
        )
    assert limited.value.code == "rate_limit_exceeded"
    first, second = provider.calls()
    assert second["started_at"] - first["ended_at"] == pytest.approx(1, abs=0.5)
