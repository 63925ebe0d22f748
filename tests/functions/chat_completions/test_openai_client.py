"""OpenAI's own Python package, unchanged but for its base_url."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.fakes.uvicorn_server import UvicornServer


@pytest.fixture
def client(gateway: UvicornServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="test-user-token") as client:
        yield client


def test_a_completion(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="balanced", messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert answer.model_extra is not None
    assert answer.model_extra["_metadata"]["power_level"] == "balanced"
    assert answer._request_id


def test_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="eco",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "simulated" in text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_models(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list().data]
    assert {"eco", "gpt-6.1-terra", "claude-opus-5-5"} <= set(ids)
    assert len(ids) == len(set(ids))
    slashed = next(one for one in ids if "/" in one)
    assert client.models.retrieve(slashed).id == slashed


def test_errors_become_the_packages_own(client: openai.OpenAI, gateway: UvicornServer) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(
            model="no-such", messages=[{"role": "user", "content": "Hello"}]
        )
    assert missing.value.code == "model_not_found"
    assert missing.value.param == "model"
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="wrong") as stranger,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        stranger.models.list()
    assert refused.value.code == "invalid_api_key"
