"""Laws of reading an Anthropic message as a chat completion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from shared.wire.chat.answer import Completion, splice, text_tokens
from shared.wire.messages.answer import read_completion
from shared.wire.tokens.text import count_text
from shared.wire.usage import MAX_TOKENS, Counts

RECORDED = Path(__file__).parents[3] / "recorded" / "anthropic"
CASES = {path.stem: json.loads(path.read_bytes()) for path in sorted(RECORDED.glob("*.json"))}
CREATED = 1_700_000_000


def reply(name: str, **changes: object) -> Completion:
    return read_completion(json.dumps({**CASES[name]["body"], **changes}).encode(), created=CREATED)


def choice(completion: Completion) -> dict[str, Any]:
    return json.loads(completion.body)["choices"][0]


@pytest.mark.parametrize("name", CASES)
def test_every_reply_is_a_completion_of_openais_and_its_record_names_a_source(name: str) -> None:
    assert CASES[name]["source"].startswith("platform.claude.com/docs/")
    completion = reply(name)
    read = ChatCompletion.model_validate_json(completion.body, strict=True)
    assert read.id == CASES[name]["body"]["id"]
    assert read.created == CREATED
    assert read.model == completion.model == "claude-sonnet-4-6"
    assert read.usage is not None
    assert completion.counts is not None
    assert read.usage.prompt_tokens == completion.counts.prompt_tokens
    assert read.usage.completion_tokens == completion.counts.completion_tokens
    assert json.loads(splice(completion.body, b'{"a":1}'))["_metadata"] == {"a": 1}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text", "stop"),
        ("stop_sequence", "stop"),
        ("paused", "stop"),
        ("cached", "length"),
        ("context_window_exceeded", "length"),
        ("parallel_tools", "tool_calls"),
        ("refused", "content_filter"),
    ],
)
def test_a_stop_reason_becomes_openais_finish_reason(name: str, reason: str) -> None:
    assert choice(reply(name))["finish_reason"] == reason


def test_a_stop_reason_yet_to_come_is_a_plain_stop() -> None:
    assert choice(reply("text", stop_reason="bored"))["finish_reason"] == "stop"


def test_text_is_content_and_its_tokens_can_be_counted() -> None:
    completion = reply("text")
    message = choice(completion)["message"]
    assert message == {"role": "assistant", "content": "Hi! My name is Claude.", "refusal": None}
    assert text_tokens(completion.body) == count_text("Hi! My name is Claude.")


def test_two_parallel_calls_are_told_with_their_ids_and_arguments_as_text() -> None:
    message = choice(reply("parallel_tools"))["message"]
    assert message["content"] == "I'll look both up."
    assert [(call["id"], call["type"]) for call in message["tool_calls"]] == [
        ("toolu_01A", "function"),
        ("toolu_01B", "function"),
    ]
    functions = [call["function"] for call in message["tool_calls"]]
    assert [one["name"] for one in functions] == ["get_weather", "get_time"]
    assert [json.loads(one["arguments"]) for one in functions] == [{"location": "Paris"}, {}]


def test_content_is_null_beside_calls_alone_and_empty_where_nothing_was_said() -> None:
    assert choice(reply("tool_alone"))["message"]["content"] is None
    assert choice(reply("refused"))["message"]["content"] == ""


def test_thinking_is_told_as_text_and_as_the_blocks_to_send_back() -> None:
    message = choice(reply("thinking"))["message"]
    assert message["content"] == "12,231"
    assert message["reasoning_content"] == "27 * 453 ..."
    assert message["thinking_blocks"] == [
        {**block, "provider": "anthropic"} for block in CASES["thinking"]["body"]["content"][:2]
    ]


def test_a_refusals_explanation_is_told() -> None:
    assert choice(reply("refused"))["message"]["refusal"] == "This cannot be answered."


def test_blocks_of_server_tools_and_of_kinds_to_come_are_left_out() -> None:
    content = [{"type": "hologram", "text": {"depth": 3}}, {"type": "text", "text": "seen"}]
    assert choice(reply("text", content=content))["message"]["content"] == "seen"
    assert choice(reply("paused"))["message"]["content"] == "Let me look."


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"input_tokens": 5, "output_tokens": 2}, Counts(5, 2), id="plain"),
        pytest.param(
            {
                "input_tokens": 5,
                "output_tokens": 2,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 10,
            },
            Counts(115, 2, 100, 10),
            id="the prompt includes what was read from and written to the cache",
        ),
        pytest.param(
            {
                "input_tokens": 5,
                "output_tokens": 2,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 3,
                    "ephemeral_1h_input_tokens": 4,
                },
            },
            Counts(12, 2, None, 7, cache_write_1h_tokens=4),
            id="the parts of what was written are added up where their sum is not told",
        ),
        pytest.param(
            {
                "input_tokens": 5,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 9},
            },
            Counts(5, 9, reasoning_tokens=9),
            id="thinking is part of the output",
        ),
        pytest.param(
            {
                "input_tokens": 5,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 10},
            },
            Counts(5, 9, is_doubtful=True),
            id="more thinking than output cannot be true",
        ),
        pytest.param(
            {
                "input_tokens": 5,
                "output_tokens": 9,
                "cache_creation_input_tokens": 3,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 0,
                    "ephemeral_1h_input_tokens": 4,
                },
            },
            Counts(8, 9, None, 3, is_doubtful=True),
            id="more written for an hour than was written at all cannot be true",
        ),
        pytest.param(
            {"input_tokens": -1, "output_tokens": 2},
            Counts(None, 2, is_doubtful=True),
            id="a negative number",
        ),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 2, "cache_read_input_tokens": -1},
            Counts(9, 2, is_doubtful=True),
            id="a negative part in a sum that is positive",
        ),
        pytest.param(
            {"input_tokens": MAX_TOKENS + 1, "output_tokens": 2},
            Counts(None, 2, is_doubtful=True),
            id="absurd",
        ),
        pytest.param({"input_tokens": 1.5, "output_tokens": 2}, Counts(2, 2), id="half a token"),
        pytest.param({"input_tokens": 5}, Counts(5), id="without output"),
        pytest.param(None, None, id="none"),
    ],
)
def test_what_cannot_be_true_of_a_usage_is_left_out_and_only_a_whole_one_is_shown(
    usage: object, expected: Counts | None
) -> None:
    completion = reply("text", usage=usage)
    assert completion.counts == expected
    is_whole = expected is not None and expected.is_whole
    assert ("usage" in json.loads(completion.body)) == is_whole


def test_the_usage_shown_has_its_parts() -> None:
    shown = json.loads(reply("cached").body)["usage"]
    assert shown == {
        "prompt_tokens": 2098,
        "completion_tokens": 503,
        "total_tokens": 2601,
        "prompt_tokens_details": {"cached_tokens": 1800, "cache_write_tokens": 248},
    }
    shown = json.loads(reply("thinking").body)["usage"]
    assert shown["completion_tokens_details"] == {"reasoning_tokens": 41}


def test_the_tier_is_told_in_openais_words() -> None:
    assert reply("cached").service_tier == "priority"
    assert json.loads(reply("cached").body)["service_tier"] == "priority"
    assert reply("text").service_tier is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="an empty body"),
        pytest.param(b"<html>", id="a web page"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"type":"message"}', id="a message without content"),
        pytest.param(
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            id="an error in an answer of status 200",
        ),
        pytest.param(
            b'{"type":"completion","id":"a","model":"b","content":[]}', id="another kind of object"
        ),
        pytest.param(
            b'{"type":"message","id":"a","model":"b","content":[{"type":"text"}]}',
            id="a text block without text",
        ),
        pytest.param(
            b'{"type":"message","id":"a","model":"b","content":' + b"[" * 9999, id="a deep body"
        ),
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        read_completion(body, created=CREATED)
