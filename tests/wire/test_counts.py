"""Of each count the last value that is neither null nor a zero after a number is billed, under
whatever name and wherever it stands; what cannot be true is estimated, and nothing with it."""

from __future__ import annotations

import pytest

from shared.wire.usage import LARGEST_WINDOW, MAX_TOKENS
from tests.fakes.told_provider import (
    COST,
    DONE,
    USAGE,
    WINDOW,
    NewPair,
    as_events,
    as_json,
    chunk,
    chunks,
    completion,
    events_of,
    message,
    message_events,
    metadata_of,
    named,
)

PROMPT, ANSWER = {"prompt_tokens": 100}, {"completion_tokens": 20}
CACHED = (80 * 0.1 + 20 * 1 + 20 * 5) / 1e6
"""Of USAGE with 80 tokens of the prompt from the cache."""

USAGES: dict[str, tuple[object, float]] = {
    "OpenAI's": (USAGE, COST),
    "a total of the wrong type": ({**USAGE, "total_tokens": {}}, COST),
    "details as a list": ({**USAGE, "prompt_tokens_details": []}, COST),
    "details as a text": ({**USAGE, "completion_tokens_details": "none"}, COST),
    "a part as a list": ({**USAGE, "prompt_tokens_details": {"cached_tokens": [1]}}, COST),
    "counts with a point": ({"prompt_tokens": 100.0, "completion_tokens": 20.0}, COST),
    "fractions": ({"prompt_tokens": 99.2, "completion_tokens": 19.01}, COST),
    "counts as texts": ({"prompt_tokens": "100", "completion_tokens": "20"}, COST),
    "texts with a point": ({"prompt_tokens": "100.0", "completion_tokens": "19.2"}, COST),
    "texts with blanks": ({"prompt_tokens": " 100 ", "completion_tokens": "+20"}, COST),
    "a huge total": ({**USAGE, "total_tokens": 10**40}, COST),
    "an infinite part": (
        {**USAGE, "completion_tokens_details": {"reasoning_tokens": float("inf")}},
        COST,
    ),
    "the Responses API's names": ({"input_tokens": 100, "output_tokens": 20}, COST),
    "zeros beside other names": (
        {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 100, "output_tokens": 20},
        COST,
    ),
    "a whole that the total tells": ({**ANSWER, "total_tokens": 120}, COST),
    "an answer that the total tells": ({**PROMPT, "total_tokens": 120}, COST),
    "OpenAI's cache": ({**USAGE, "prompt_tokens_details": {"cached_tokens": 80}}, CACHED),
    "DeepSeek's cache": (
        {**USAGE, "prompt_cache_hit_tokens": 80, "prompt_cache_miss_tokens": 20},
        CACHED,
    ),
    "names in camelCase": ({"promptTokens": 100, "completionTokens": 20}, COST),
    "Bedrock's names": ({"inputTokens": 100, "outputTokens": 20, "totalTokens": 120}, COST),
    "Bedrock's cache, which its input is without": (
        {
            "inputTokens": 20,
            "outputTokens": 20,
            "cacheReadInputTokens": 80,
            "cacheWriteInputTokens": 0,
            "totalTokens": 120,
        },
        CACHED,
    ),
    "Bedrock's metrics": ({"inputTokenCount": 100, "outputTokenCount": 20}, COST),
    "Google's names": (
        {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120},
        COST,
    ),
    "Google's thoughts, which its candidates are without": (
        {
            "promptTokenCount": 100,
            "candidatesTokenCount": 12,
            "thoughtsTokenCount": 8,
            "totalTokenCount": 120,
        },
        COST,
    ),
    "Google's cache": (
        {"promptTokenCount": 100, "candidatesTokenCount": 20, "cachedContentTokenCount": 80},
        CACHED,
    ),
    "Cohere's, billed": (
        {
            "billed_units": {"input_tokens": 100, "output_tokens": 20},
            "tokens": {"input_tokens": 170, "output_tokens": 22},
        },
        COST,
    ),
    "Cohere's, of the model": ({"tokens": {"input_tokens": 100, "output_tokens": 20}}, COST),
    "Moonshot's cache": ({**USAGE, "cached_tokens": 80}, CACHED),
    "LiteLLM's cache": ({**USAGE, "cache_read_input_tokens": 80}, CACHED),
    "the Responses API's cache": (
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "input_tokens_details": {"cached_tokens": 80},
        },
        CACHED,
    ),
    "a zero beside the cache's other name": (
        {**USAGE, "prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 80},
        CACHED,
    ),
    "thoughts apart": (
        {**PROMPT, "completion_tokens": 5, "total_tokens": 120, "reasoning_tokens": 15},
        COST,
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", USAGES)
def test_a_usage_is_read_under_every_name(new_pair: NewPair, case: str, stream: bool) -> None:
    usage, cost = USAGES[case]
    pair = new_pair("openai")
    pair.first.says(as_json(completion("hello", usage)), as_events(*chunks("hello", usage)))
    told = metadata_of(pair.ask(stream=stream))
    assert (told["cost_incurred"], told["cost_quality"]) == (cost, "measured")


USAGE_EVENT = {**chunk({}), "choices": [], "usage": USAGE}
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
PLACES: dict[str, list[object]] = {
    "choices null": [chunk({}, "stop"), {**USAGE_EVENT, "choices": None}],
    "no choices": [chunk({}, "stop"), {"id": "c", "usage": USAGE}],
    "with the reason": [chunk({}, "stop", usage=USAGE)],
    "in the choice": [
        {
            **chunk({}),
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}],
        }
    ],
    "in x_groq": [chunk({}, "stop", x_groq={"id": "r", "usage": USAGE})],
    "before the reason": [{**chunk({"content": "!"}), "usage": USAGE}, chunk({}, "stop")],
    "behind the reason, with choices": [chunk({}, "stop"), chunk({}, None, usage=USAGE)],
    "null behind it": [chunk({}, "stop", usage=USAGE), {**USAGE_EVENT, "usage": None}],
    "zeros behind it": [chunk({}, "stop", usage=USAGE), {**USAGE_EVENT, "usage": ZEROS}],
    "halves": [chunk({}, "stop", usage=PROMPT), {**USAGE_EVENT, "usage": ANSWER}],
    "growing": [
        chunk({}, None, usage={**USAGE, "completion_tokens": 1}),
        chunk({}, "stop", usage=USAGE),
    ],
    "without a reason": [{**chunk({"content": "!"}), "usage": USAGE}],
}  # fmt: skip


@pytest.mark.parametrize("asks_for_usage", [False, True])
@pytest.mark.parametrize("case", PLACES)
def test_a_usage_is_read_wherever_it_stands_in_a_stream(
    new_pair: NewPair, case: str, asks_for_usage: bool
) -> None:
    pair = new_pair("openai")
    pair.first.says(as_events(chunk({"content": "hello"}), *PLACES[case], DONE))
    options = {"include_usage": asks_for_usage}
    answer = pair.ask(stream=True, stream_options=options)
    told = metadata_of(answer)
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")
    if not asks_for_usage:
        assert all(event.get("choices") for event in events_of(answer))


IMPOSSIBLE: dict[str, object] = {
    "null": None,
    "a text": "none",
    "a list": [1, 2],
    "an empty object": {},
    "negative": {"prompt_tokens": -1, "completion_tokens": -1},
    "above 32 bits": {"prompt_tokens": 2**40, "completion_tokens": 2**40},
    "above the window": {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1},
    "an answer above the window": {**PROMPT, "completion_tokens": 100_001},
    "a total above the window": {**USAGE, "total_tokens": 2_000_000_000},
    "booleans": {"prompt_tokens": True, "completion_tokens": False},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_usage_is_estimated_and_hides_no_metadata(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    usage = IMPOSSIBLE[case]
    pair = new_pair("openai")
    pair.first.says(as_json(completion("hello", usage)), as_events(*chunks("hello", usage)))
    answer = pair.ask(stream=stream, stream_options=None)
    told = metadata_of(answer)
    assert told["cost_quality"] == "estimated"
    assert 0 < told["cost_incurred"] < COST
    if stream:
        assert not any("usage" in event for event in events_of(answer))


def test_an_answer_above_max_tokens_is_estimated_unless_it_is_thoughts(new_pair: NewPair) -> None:
    """Thoughts apart, above n times the max_tokens that was sent."""
    thoughts = {"completion_tokens_details": {"reasoning_tokens": 15}}
    for usage, fields, quality in (
        (USAGE, {"max_tokens": 19}, "estimated"),
        (USAGE, {"max_tokens": 20}, "measured"),
        (USAGE, {"max_tokens": 10, "n": 2}, "measured"),
        (USAGE, {"max_completion_tokens": 19}, "estimated"),
        ({**USAGE, **thoughts}, {"max_tokens": 5}, "measured"),
        ({**USAGE, **thoughts}, {"max_tokens": 4}, "estimated"),
    ):
        pair = new_pair("openai")
        pair.first.says(as_json(completion("hello", usage)))
        told = metadata_of(pair.ask(stream=False, **fields))
        assert told["cost_quality"] == quality, (usage, fields)


def test_each_choice_has_the_window_for_itself(new_pair: NewPair) -> None:
    for completion_tokens, n, quality in (
        (WINDOW, 1, "measured"),
        (WINDOW + 1, 1, "estimated"),
        (2 * WINDOW, 2, "measured"),
        (2 * WINDOW + 1, 2, "estimated"),
    ):
        pair = new_pair("openai")
        pair.first.says(as_json(completion("hello", {**PROMPT, **tokens_out(completion_tokens)})))
        told = metadata_of(pair.ask(stream=False, n=n))
        assert told["cost_quality"] == quality, (completion_tokens, n)


def tokens_out(number: int) -> dict[str, object]:
    return {"completion_tokens": number}


@pytest.mark.parametrize("stream", [False, True])
def test_what_counts_is_the_max_tokens_that_was_sent(new_pair: NewPair, stream: bool) -> None:
    """Anthropic is always sent one, and no `n`."""
    for output_tokens, fields, quality in (
        (8192, {}, "measured"),
        (8193, {}, "estimated"),
        (10, {"max_tokens": 10, "n": 2, "drop_params": True}, "measured"),
        (11, {"max_tokens": 10, "n": 2, "drop_params": True}, "estimated"),
    ):
        usage = {"input_tokens": 100, "output_tokens": output_tokens}
        pair = new_pair("anthropic")
        pair.first.says(
            as_json(message("hello", usage=usage)),
            as_events(*message_events("hello", start=usage, end=usage)),
        )
        told = metadata_of(pair.ask(stream=stream, **fields))
        assert told["cost_quality"] == quality, (output_tokens, fields)


@pytest.mark.parametrize("tokens", [LARGEST_WINDOW + 1, MAX_TOKENS])
def test_of_a_model_whose_window_is_not_known_nothing_absurd_is_believed(
    new_pair: NewPair, tokens: int
) -> None:
    pair = new_pair("no window")
    usage = {"prompt_tokens": tokens, "completion_tokens": tokens}
    pair.first.says(as_json(completion("hello", usage)))
    answer = metadata_of(pair.ask(stream=False))
    assert answer["cost_quality"] == "estimated"
    assert answer["cost_incurred"] < COST


def test_one_bad_number_loses_no_other(new_pair: NewPair) -> None:
    pair = new_pair("openai")
    pair.first.says(as_json(completion("hello", {**USAGE, "prompt_tokens": -5})))
    told = metadata_of(pair.ask(stream=False))
    assert told["cost_quality"] == "estimated"
    assert told["cost_incurred"] > 20 * 5 / 1e6


START = {"input_tokens": 100, "output_tokens": 1}
ANTHROPIC: dict[str, tuple[object, object]] = {
    "the input at the start": (START, {"output_tokens": 20}),
    "a zero at the end": (START, {"input_tokens": 0, "output_tokens": 20}),
    "null at the end": (START, {"input_tokens": None, "output_tokens": 20}),
    "a zero at the start": (
        {"input_tokens": 0, "output_tokens": 0},
        {"input_tokens": 100, "output_tokens": 20},
    ),
    "nothing at the start": ({}, {"input_tokens": 100, "output_tokens": 20}),
    "counts with a point": ({"input_tokens": 100.0}, {"output_tokens": 20.0}),
    "fractions": ({"input_tokens": 99.5}, {"output_tokens": 19.5}),
    "a part of the wrong type": (
        {**START, "cache_creation": [], "server_tool_use": 7},
        {"output_tokens": 20, "output_tokens_details": "none"},
    ),
    "cache counts that are null": (
        {**START, "cache_read_input_tokens": None, "cache_creation_input_tokens": None},
        {"output_tokens": 20},
    ),
}


@pytest.mark.parametrize("case", ANTHROPIC)
def test_a_streamed_message_is_billed_by_the_last_numbers(new_pair: NewPair, case: str) -> None:
    start, end = ANTHROPIC[case]
    pair = new_pair("anthropic")
    pair.first.says(as_events(*message_events("hello", start=start, end=end)))
    told = metadata_of(pair.ask(stream=True))
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 20},
        {"input_tokens": 2**31 - 1, "output_tokens": 20},
        {"input_tokens": 100, "output_tokens": 100_001},
        {"input_tokens": 100, "output_tokens": None},
        None,
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_impossible_usage_of_a_message_is_estimated(
    new_pair: NewPair, usage: dict[str, object] | None, stream: bool
) -> None:
    pair = new_pair("anthropic")
    pair.first.says(
        as_json(message("hello", usage=usage)),
        as_events(*message_events("hello", start=usage, end={})),
    )
    told = metadata_of(pair.ask(stream=stream))
    assert told["cost_quality"] == "estimated"
    assert 0 < told["cost_incurred"] < 2 * COST


def test_usage_in_the_last_event_of_a_message_counts(new_pair: NewPair) -> None:
    pair = new_pair("anthropic")
    *begun, _ = message_events("hello", end={})
    pair.first.says(as_events(*begun, named(type="message_stop", usage={"output_tokens": 20})))
    assert metadata_of(pair.ask(stream=True))["cost_incurred"] == COST
