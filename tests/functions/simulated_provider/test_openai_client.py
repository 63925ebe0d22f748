"""The official client finds nothing missing."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.simulated import SimulatedProvider

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


@pytest.fixture
def official(provider: SimulatedProvider) -> Iterator[openai.OpenAI]:
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


def test_errors_are_raised_as_openais_own(official: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        official.chat.completions.create(model="simulate-status-429-retry-1", messages=MESSAGES)
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.AuthenticationError):
        official.with_options(api_key="invalid").models.list()


def test_a_refused_call_is_made_again_after_the_time_the_answer_names(
    official: openai.OpenAI, provider: SimulatedProvider
) -> None:
    with pytest.raises(openai.RateLimitError):
        official.with_options(max_retries=1).chat.completions.create(
            model="simulate-status-429-retry-1", messages=MESSAGES
        )
    first, second = provider.calls()
    assert second["started_at"] - first["ended_at"] == pytest.approx(1, abs=0.5)
