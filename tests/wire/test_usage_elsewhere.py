"""A usage is read where a provider's own API has it, beside `usage` or in what was said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.told_provider import (
    COST,
    DONE,
    USAGE,
    NewPair,
    as_events,
    as_json,
    chunk,
    completion,
    events_of,
    metadata_of,
    text_of,
)

GOOGLES = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
BESIDE: dict[str, dict[str, object]] = {
    "Google's usageMetadata": {"usageMetadata": GOOGLES},
    "Google's, with thoughts apart": {
        "usageMetadata": {**GOOGLES, "candidatesTokenCount": 12, "thoughtsTokenCount": 8}
    },
    "Google's, as Python writes it": {
        "usage_metadata": {
            "prompt_token_count": 100,
            "candidates_token_count": 20,
            "total_token_count": 120,
        }
    },
    "Cohere's meta": {
        "meta": {
            "api_version": {"version": "1"},
            "billed_units": {"input_tokens": 100, "output_tokens": 20},
            "tokens": {"input_tokens": 170, "output_tokens": 22},
        }
    },
    "LangChain's token_usage": {"token_usage": USAGE},
    "Bedrock's metrics": {
        "amazon-bedrock-invocationMetrics": {"inputTokenCount": 100, "outputTokenCount": 20}
    },
    "the counts at the top": {"prompt_tokens": 100, "completion_tokens": 20},
    "the Responses API's counts at the top": {"input_tokens": 100, "output_tokens": 20},
    "a usage that is null beside it": {"usage": None, "usageMetadata": GOOGLES},
    "an empty usage beside it": {"usage": {}, "usageMetadata": GOOGLES},
}


def without_usage() -> dict[str, Any]:
    whole = completion("hello")
    del whole["usage"]
    return whole


def check(pair: Any, *, stream: bool) -> None:
    answer = pair.ask(stream=stream)
    told = metadata_of(answer)
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")
    assert text_of(answer) == "hello"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", BESIDE)
def test_a_usage_beside_usage_is_read(new_pair: NewPair, case: str, stream: bool) -> None:
    last = {**chunk({}), "choices": [], **BESIDE[case]}
    pair = new_pair("openai")
    pair.first.says(
        as_json({**without_usage(), **BESIDE[case]}),
        as_events(chunk({"content": "hello"}), chunk({}, "stop"), last, DONE),
    )
    check(pair, stream=stream)


@pytest.mark.parametrize("case", BESIDE)
def test_it_is_read_with_the_reason_too(new_pair: NewPair, case: str) -> None:
    pair = new_pair("openai")
    pair.first.says(
        as_events(chunk({"content": "hello"}), {**chunk({}, "stop"), **BESIDE[case]}, DONE)
    )
    check(pair, stream=True)


@pytest.mark.parametrize("stream", [False, True])
def test_a_usage_in_what_was_said_is_read(new_pair: NewPair, stream: bool) -> None:
    whole = without_usage()
    whole["choices"][0]["message"]["usage"] = USAGE
    pair = new_pair("openai")
    pair.first.says(
        as_json(whole),
        as_events(chunk({"content": "hello"}), chunk({"usage": USAGE}, "stop"), DONE),
    )
    check(pair, stream=stream)


def test_the_words_of_a_model_are_no_usage(new_pair: NewPair) -> None:
    """It may well speak of tokens."""
    text = '{"prompt_tokens": 9, "completion_tokens": 9, "usageMetadata": {"promptTokenCount": 9}}'
    pair = new_pair("openai")
    pair.first.says(as_events(chunk({"content": text}), chunk({}, "stop", usage=USAGE), DONE))
    answer = pair.ask(stream=True)
    assert text_of(answer) == text
    assert metadata_of(answer)["cost_incurred"] == COST


def test_an_event_of_the_usage_alone_is_kept_from_who_asked_for_none(new_pair: NewPair) -> None:
    last = {**chunk({}), "choices": [], "usageMetadata": GOOGLES}
    pair = new_pair("openai")
    pair.first.says(as_events(chunk({"content": "hello"}), chunk({}, "stop"), last, DONE))
    events = events_of(pair.ask(stream=True, stream_options=None))
    assert all(event["choices"] for event in events)
