"""Responses that their provider keeps: continued, read and deleted by whom they were given to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx
import openai
import pytest

from tests.fakes.gateway import ADMIN, USER, Deployment, row_of
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

LUNA, CLAUDE = "gpt-6-luna", "anthropic/claude-opus-5-5"
KEY = "sk-proj-" + "k" * 40


@pytest.fixture
def clients(gateway: UvicornServer) -> Iterator[tuple[Any, Any]]:
    """Ours and another user's."""
    with httpx.Client(trust_env=False) as http:

        def client(headers: dict[str, str]) -> openai.OpenAI:
            token = headers["authorization"].removeprefix("Bearer ")
            return openai.OpenAI(
                base_url=gateway.url + "/v1",
                api_key=token,
                http_client=cast(Any, http),
                max_retries=0,
            )

        yield client(USER), client(ADMIN)


def code_of(error: openai.APIStatusError) -> Any:
    return (error.status_code, error.code, error.param)


@pytest.mark.parametrize("stream", [False, True])
def test_a_follow_up_goes_to_the_holder_and_knows_what_was_said(
    clients: tuple[Any, Any], deployment: Deployment, stream: bool
) -> None:
    client, _ = clients
    first = client.responses.create(model=LUNA, input="Hello")
    assert first.store is True
    more: Any = {"input": "And?", "previous_response_id": first.id, "model": "eco"}
    if stream:
        with client.responses.stream(**more) as events:
            second: Any = events.get_final_response()
    else:
        second = client.responses.create(**more)
    assert second.previous_response_id == first.id
    assert second.id != first.id
    told = second.model_extra["_metadata"]
    assert told["provider_used"] == "openai"
    assert first.usage is not None
    assert second.usage.input_tokens > first.usage.total_tokens
    assert row_of(deployment, told["request_id"])["prompt_tokens"] == second.usage.input_tokens


def test_a_response_is_read_and_deleted_at_its_holder(
    clients: tuple[Any, Any],
) -> None:
    client, _ = clients
    made = client.responses.create(model=LUNA, input="Hello")
    read = client.responses.retrieve(made.id)
    assert client.responses.retrieve(read.id).output_text == made.output_text
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve(made.id)
    assert code_of(caught.value) == (404, "response_not_found", "response_id")


def test_a_response_of_another_user_is_nobodys(
    clients: tuple[Any, Any], simulated: SimulatedProvider
) -> None:
    client, other = clients
    made = client.responses.create(model=LUNA, input="Hello")
    simulated.clear()
    with pytest.raises(openai.BadRequestError) as caught:
        other.responses.create(model=LUNA, input="And?", previous_response_id=made.id)
    assert code_of(caught.value) == (400, "previous_response_not_found", "previous_response_id")
    for ask in (other.responses.retrieve, other.responses.delete):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)
    assert simulated.calls() == []
    client.responses.delete(made.id)


@pytest.mark.parametrize("change", ["flip", "cut", "raw"])
def test_a_forged_id_is_refused_by_name(clients: tuple[Any, Any], change: str) -> None:
    client, _ = clients
    made = client.responses.create(model=LUNA, input="Hello").id
    middle = len(made) // 2
    flipped = made[:middle] + ("A" if made[middle] != "A" else "B") + made[middle + 1 :]
    forged = {"flip": flipped, "cut": made[:-3], "raw": "resp_68af00c1"}[change]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=LUNA, input="And?", previous_response_id=forged)
    assert code_of(caught.value)[1:] == ("previous_response_not_found", "previous_response_id")
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(forged)


def test_what_was_made_with_an_own_key_is_found_by_that_key_alone(
    clients: tuple[Any, Any], gateway: UvicornServer
) -> None:
    client, _ = clients
    keys = gateway.url + "/api/v1/llm/byok/keys"
    by_platform = client.responses.create(model=LUNA, input="Hello")
    with httpx.Client(headers=USER, trust_env=False) as http:
        stored = http.post(keys, json={"provider": "openai", "api_key": KEY})
        assert stored.status_code == 200, stored.text
        own: Any = client.responses.create(model=LUNA, input="Hello")
        assert own.model_extra["_metadata"]["key_source"] == "byok"
        more: Any = {"model": LUNA, "input": "And?"}
        again: Any = client.responses.create(previous_response_id=own.id, **more)
        assert again.model_extra["_metadata"]["key_source"] == "byok"
        earlier: Any = client.responses.create(previous_response_id=by_platform.id, **more)
        assert earlier.model_extra["_metadata"]["key_source"] == "platform"
        assert http.delete(keys + "/openai").status_code == 200
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(previous_response_id=own.id, **more)
    assert code_of(caught.value) == (400, "previous_response_not_found", "previous_response_id")
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(own.id)


def test_what_is_not_stored_is_not_found(clients: tuple[Any, Any]) -> None:
    client, _ = clients
    for model in (LUNA, CLAUDE):
        made = client.responses.create(
            model=model, input="Hello", **({"store": False} if model == LUNA else {})
        )
        assert made.store is False
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(made.id)
