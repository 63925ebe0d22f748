"""Laws of sending a conversation to Anthropic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.messages.answer import read_completion
from shared.wire.messages.write import Translated, write_request
from shared.wire.translated import Sending

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
EPHEMERAL = {"type": "ephemeral"}


def translated(messages: list[Any], **fields: object) -> Translated:
    body = json.dumps({"messages": messages, **fields}).encode()
    return write_request(decode_chat(body), Sending("claude-sonnet-4-6"))


def sent(messages: list[Any], **fields: object) -> dict[str, Any]:
    return json.loads(translated(messages, **fields).body)


def user(content: object, **fields: object) -> dict[str, object]:
    return {"role": "user", "content": content, **fields}


def text(value: str, **fields: object) -> dict[str, object]:
    return {"type": "text", "text": value, **fields}


def test_system_and_developer_prompts_are_hoisted_in_their_order() -> None:
    request = sent(
        [
            {"role": "system", "content": "One."},
            user("hi"),
            {"role": "developer", "content": [text("Two.", cache_control=EPHEMERAL)]},
        ]
    )
    assert request["system"] == [text("One."), text("Two.", cache_control=EPHEMERAL)]
    assert [turn["role"] for turn in request["messages"]] == ["user"]


def test_turns_alternate_and_blank_text_is_left_out() -> None:
    request = sent([user("a"), user([text("c"), text(" ")]), {"role": "assistant"}])
    assert request["messages"] == [{"role": "user", "content": [text("a"), text("c")]}]


def test_two_parallel_calls_and_their_results_go_back_in_one_turn_each() -> None:
    call = {"type": "function", "function": {"name": "get_weather"}}
    request = sent(
        [
            user("Paris and Rome?"),
            {
                "role": "assistant",
                "content": "Looking.",
                "tool_calls": [
                    {**call, "id": "a", "function": {"name": "f", "arguments": '{"x": 0}'}},
                    {**call, "id": "b", "function": {"name": "g", "arguments": ""}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "12 C"},
            {"role": "tool", "tool_call_id": "b", "content": [text("20 C")]},
            user("And now?"),
        ],
        tools=[{"type": "function", "function": {"name": "f"}}],
    )
    assert request["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                text("Looking."),
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 0}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [text("12 C")]},
                {"type": "tool_result", "tool_use_id": "b", "content": [text("20 C")]},
                text("And now?"),
            ],
        },
    ]


def test_an_empty_result_is_sent_and_results_come_before_text() -> None:
    call = {"id": "a", "function": {"name": "f"}}
    asked = {"role": "assistant", "tool_calls": [call]}
    request = sent([user("a"), asked, user("x"), {"role": "tool", "tool_call_id": "a"}])
    assert request["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a"},
        text("x"),
    ]


def test_what_we_answered_with_can_be_sent_back_thinking_blocks_first() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "Eq"},
        {"type": "redacted_thinking", "data": "Em"},
        text("Looking."),
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
    ]
    answer = {"type": "message", "id": "m", "model": "c", "content": content}
    completion = json.loads(read_completion(json.dumps(answer).encode(), created=1).body)
    request = translated([user("x"), completion["choices"][0]["message"]])
    assert json.loads(request.body)["messages"][1] == {"role": "assistant", "content": content}
    assert request.dropped == ("messages[1].reasoning_content",)


def test_a_block_that_another_provider_signed_goes_to_nobody_else() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "Eq"}
    said = {"role": "assistant", "content": "x"}
    others = {**said, "thinking_blocks": [{**block, "provider": "my-server"}, block]}
    request = translated([user("x"), others, user("y")])
    content = json.loads(request.body)["messages"][1]["content"]
    assert content == [block, text("x")]
    assert request.dropped == ("messages[1].thinking_blocks[0]",)


def test_a_refusal_of_the_assistant_goes_back_as_its_text() -> None:
    request = sent([user("x"), {"role": "assistant", "content": None, "refusal": "No."}])
    assert request["messages"][1]["content"] == [text("No.")]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param({"role": "judge", "content": "x"}, "messages[1].role", id="a role"),
        pytest.param(
            {"role": "system", "content": [IMAGE]},
            "messages[1].content",
            id="an image in a system prompt",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {}}]},
            "messages[1].tool_calls[0]",
            id="a call of a custom tool",
        ),
        pytest.param(
            {"role": "assistant", "thinking_blocks": [{"type": "text", "text": "x"}]},
            "messages[1].thinking_blocks[0]",
            id="a thinking block that is none",
        ),
        pytest.param(user([{"text": "x"}]), "messages[1].content[0]", id="a part without type"),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused_by_its_place(
    message: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        translated([user("x"), message])
    assert caught.value.param == param


def test_a_conversation_of_system_prompts_alone_is_refused() -> None:
    with pytest.raises(InvalidField, match="user message") as caught:
        translated([{"role": "system", "content": "x"}])
    assert caught.value.param == "messages"


def test_hints_in_messages_are_left_out_and_named() -> None:
    look = {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}}
    request = translated([user("x", name="Ann"), user([look]), user("y", annotations=[])])
    assert set(request.dropped) == {
        "messages[0].name",
        "messages[1].content[0].image_url.detail",
    }


def test_a_breakpoint_on_a_message_marks_its_last_block() -> None:
    content = sent([user([text("a"), text("b")], cache_control=EPHEMERAL)])["messages"][0]
    assert content["content"] == [text("a"), text("b", cache_control=EPHEMERAL)]
