"""The official client finds nothing missing."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.uvicorn_server import UvicornServer

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


@pytest.fixture
def official(provider: UvicornServer) -> Iterator[openai.OpenAI]:
    base = f"{provider.url}/openai/v1"
    with openai.OpenAI(base_url=base, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


def test_create_reads_an_answer(official: openai.OpenAI) -> None:
    made = official.chat.completions.create(model="m", messages=MESSAGES)
    assert (made.choices[0].message.content or "").endswith("You asked: hello")
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens


def test_create_reads_a_stream(official: openai.OpenAI) -> None:
    chunks = list(
        official.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.endswith("You asked: hello")
    assert chunks[-1].usage is not None


def test_list_reads_the_models(official: openai.OpenAI) -> None:
    assert "simulated-small" in {model.id for model in official.models.list()}
    assert official.models.retrieve("any").id == "any"


def test_a_bad_key_is_raised_as_openais_own_error(official: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        official.with_options(api_key="invalid").models.list()
