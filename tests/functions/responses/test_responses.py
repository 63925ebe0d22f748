"""The Responses door, through a gateway, by OpenAI's own SDK: answers, streams, bills, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx
import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.fakes.gateway import USER, Deployment, row_of
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

CLAUDE = "anthropic/claude-opus-5-5"
PATH = "/v1/responses"
TOKEN = next(iter(USER.values())).removeprefix("Bearer ")
# Claude's is spoken to in its own words, OpenAI's in others.
LEVELS = pytest.mark.parametrize("level", ["precision", "balanced"])
TOOL: Any = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}


@pytest.fixture
def client(gateway: UvicornServer) -> Iterator[openai.OpenAI]:
    with httpx.Client(trust_env=False) as http:
        yield openai.OpenAI(
            base_url=gateway.url + "/v1", api_key=TOKEN, http_client=cast(Any, http), max_retries=0
        )


def ask(gateway: UvicornServer, **body: Any) -> httpx.Response:
    return httpx.post(gateway.url + PATH, json=body, headers=USER, trust_env=False)


def metadata(response: Any) -> Any:
    return response.model_extra["_metadata"]


@LEVELS
def test_an_answer_is_a_response_with_metadata_and_a_row(
    deployment: Deployment, client: Any, level: str
) -> None:
    response = client.responses.create(model=level, input="Hello", instructions="Be brief.")
    Response.model_validate(response.model_dump())
    assert response.output_text
    assert (response.status, response.instructions) == ("completed", "Be brief.")
    told = metadata(response)
    row = row_of(deployment, told["request_id"])
    assert (row["endpoint"], row["cost_quality"]) == ("responses", "measured")
    assert response.usage is not None
    assert row["prompt_tokens"] == response.usage.input_tokens
    assert row["completion_tokens"] == response.usage.output_tokens


@LEVELS
def test_a_stream_comes_to_the_response_that_its_events_tell(client: Any, level: str) -> None:
    with client.responses.stream(model=level, input="Hello") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [one.sequence_number for one in events] == list(range(len(events)))
    kinds = [one.type for one in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    said = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    assert said == final.output_text
    assert final.usage is not None
    assert final.usage.output_tokens > 0


@LEVELS
@pytest.mark.parametrize("stream", [False, True])
def test_the_same_costs_the_same_through_either_door(
    gateway: UvicornServer, client: Any, level: str, stream: bool
) -> None:
    said = [{"role": "user", "content": "Hello"}]
    chat = client.chat.completions.create(model=level, messages=said)  # pyright: ignore[reportArgumentType]
    same = ("cost_incurred", "model_used", "cost_quality", "provider_used")
    expected = {name: metadata(chat)[name] for name in same}
    if stream:
        with client.responses.stream(model=level, input="Hello") as events:
            told = metadata(events.get_final_response())
    else:
        told = metadata(client.responses.create(model=level, input="Hello"))
    assert {name: told[name] for name in same} == expected


@LEVELS
@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_and_their_results_taken(client: Any, level: str, stream: bool) -> None:
    items: list[Any] = [{"role": "user", "content": "please call tool"}]
    for _ in range(3):
        if stream:
            with client.responses.stream(model=level, input=items, tools=[TOOL]) as events:
                response: Any = events.get_final_response()
        else:
            response = client.responses.create(model=level, input=items, tools=[TOOL])
        call = response.output[-1]
        assert (call.type, call.name, call.arguments) == ("function_call", "f", "{}")
        items += [one.model_dump(exclude_none=True) for one in response.output]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": "7"})
        items.append({"role": "user", "content": "call tool again"})


@pytest.mark.parametrize(("model", "path"), [("gpt-6-luna", "responses"), (CLAUDE, "messages")])
def test_openai_is_asked_in_its_own_words_and_others_in_theirs(
    client: Any, simulated: SimulatedProvider, model: str, path: str
) -> None:
    simulated.clear()
    client.responses.create(model=model, input="Hello")
    assert [one["path"].rpartition("/")[2] for one in simulated.calls()] == [path]


class Answer(BaseModel):
    city: str
    degrees: int


@LEVELS
def test_an_answer_follows_a_schema(client: Any, level: str) -> None:
    response = client.responses.parse(model=level, input="Weather?", text_format=Answer)
    assert isinstance(response.output_parsed, Answer)


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        ({}, 400, "input", "missing_required_parameter"),
        ({"input": []}, 400, "input", "invalid_value"),
        ({"input": 7}, 400, "input", "invalid_type"),
        ({"input": "x", "model": "gpt-99"}, 404, "model", "model_not_found"),
        ({"input": "x", "max_output_tokens": 0}, 400, "max_tokens", "invalid_value"),
        ({"input": "x", "background": True}, 400, "background", "unsupported_parameter"),
        ({"input": "x", "conversation": "conv_1"}, 400, "conversation", "unsupported_parameter"),
        ({"input": "x", "api_base": "https://a.example"}, 400, "api_base", "field_refused"),
        ({"input": "x", "model": CLAUDE, "store": True}, 400, "store", None),
        (
            {"input": "x", "previous_response_id": "resp_1"},
            400,
            "previous_response_id",
            "previous_response_not_found",
        ),
        (
            {"input": "x", "model": CLAUDE, "tools": [{"type": "web_search"}]},
            400,
            "tools[0]",
            "unsupported_parameter",
        ),
        (
            {"input": [{"type": "item_reference", "id": "msg_1"}], "model": CLAUDE},
            400,
            "input[0]",
            "unsupported_content",
        ),
    ],
)
def test_errors_have_openais_shape(
    gateway: UvicornServer, body: Any, status: int, param: str, code: str | None
) -> None:
    answer = ask(gateway, **body)
    assert answer.status_code == status, answer.text
    said = answer.json()["error"]
    assert said["param"] == param
    assert said["code"] == (code or "unsupported_parameter")


def test_what_may_be_dropped_is_dropped_and_named(gateway: UvicornServer) -> None:
    tools = [TOOL, {"type": "web_search"}]
    body: Any = {"input": "hi", "model": CLAUDE, "tools": tools, "drop_params": True}
    answer = ask(gateway, **body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["_metadata"]["dropped_params"] == ["tools[1]"]


def test_without_a_token_nobody_is_served(gateway: UvicornServer) -> None:
    answer = httpx.post(gateway.url + PATH, json={"input": "x"}, trust_env=False)
    assert answer.status_code == 401
