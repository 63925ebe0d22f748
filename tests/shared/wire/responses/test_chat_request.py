"""Responses requests as those of chat: nothing lost, and what cannot be carried is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidField
from shared.wire.responses.chat_request import as_chat
from shared.wire.translated import Sending
from tests.shared.wire.responses.conversation import request

FUNCTION: Any = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
PATCH: Any = {"type": "custom", "name": "patch", "description": "Patches.", "format": GRAMMAR}
SEARCH: Any = {"type": "web_search"}
CALL: Any = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT: Any = {"type": "function_call_output", "call_id": "c1", "output": "7"}
PICTURE: Any = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}


def chat(**body: Any) -> tuple[Any, tuple[str, ...]]:
    asked = as_chat(request(**body), Sending("m"))
    fields = {name: json.loads(bytes(value)) for name, value in asked.fields.items()}
    return fields, asked.left_out


def refused(**body: Any) -> str | None:
    with pytest.raises(InvalidField) as caught:
        chat(**body)
    return caught.value.param


def test_the_items_of_a_conversation_are_its_messages() -> None:
    fields, dropped = chat(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
            {
                "type": "message",
                "role": "user",
                "content": [PICTURE, {"type": "input_text", "text": "?"}],
            },
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "hm"}],
            },
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}],
            },
            CALL,
            {**CALL, "call_id": "c2"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_text", "text": "7"}, PICTURE],
            },
            {"type": "function_call_output", "call_id": "c2", "output": "8"},
            {"role": "user", "content": "and?"},
        ],
    )
    image = {"type": "image_url", "image_url": {"url": PICTURE["image_url"], "detail": "auto"}}
    function = {"name": "f", "arguments": "{}"}
    assert fields["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "rules"},
        {"role": "user", "content": [image, {"type": "text", "text": "?"}]},
        {
            "role": "assistant",
            "reasoning_content": "hm",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "tool", "tool_call_id": "c2", "content": "8"},
        {"role": "user", "content": [image]},
        {"role": "user", "content": "and?"},
    ]
    assert dropped == ()


def test_tools_are_functions_and_free_text_is_one_parameter() -> None:
    namespace = {"type": "namespace", "name": "n", "description": "All.", "tools": [FUNCTION]}
    fields, dropped = chat(
        tools=[FUNCTION, PATCH, namespace],
        input=[
            {"type": "additional_tools", "role": "developer", "tools": [{**FUNCTION, "name": "g"}]},
            {"role": "user", "content": "x"},
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        ],
        tool_choice={"type": "custom", "name": "patch"},
    )
    functions = {one["function"]["name"]: one["function"] for one in fields["tools"]}
    assert list(functions) == ["f", "patch", "n__f", "g"]
    assert functions["f"] == {"name": "f", "parameters": {"type": "object"}, "strict": True}
    assert "start: X" in functions["patch"]["description"]
    assert functions["n__f"]["description"] == "All."
    assert fields["tool_choice"] == {"type": "function", "function": {"name": "patch"}}
    call = fields["messages"][1]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"input": "*** Begin"}
    assert fields["messages"][2]["content"] == "done"
    assert dropped == ()


def test_only_the_tools_that_are_allowed_are_shown() -> None:
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}],
    }
    fields, _ = chat(tools=[FUNCTION, PATCH], tool_choice=allowed)
    assert [one["function"]["name"] for one in fields["tools"]] == ["f"]
    assert fields["tool_choice"] == "required"


def test_the_other_fields_have_their_counterparts() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    fields, dropped = chat(
        text={"format": schema, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto", "context": "all_turns"},
        max_output_tokens=9,
        temperature=0,
        metadata={"a": "b"},
        store=False,
        include=["reasoning.encrypted_content"],
        truncation="auto",
        max_tool_calls=3,
        client_metadata={"x": "y"},
    )
    named = {"name": "n", "schema": {"type": "object"}, "strict": True}
    assert fields["response_format"] == {"type": "json_schema", "json_schema": named}
    assert (fields["verbosity"], fields["reasoning_effort"]) == ("low", "high")
    assert (fields["max_completion_tokens"], fields["temperature"]) == (9, 0)
    assert dropped == ("reasoning.context", "truncation", "max_tool_calls")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"store": True}, "store"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"tools": [FUNCTION, SEARCH]}, "tools[1]"),
        ({"tools": [SEARCH], "tool_choice": {"type": "web_search"}}, "tools[0]"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include[0]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0]",
        ),
        ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": 7, "tools": [FUNCTION]}, "tool_choice"),
    ],
)
def test_what_nobody_here_can_do_is_refused_by_name(body: Any, param: str) -> None:
    assert refused(**body) == param


def test_thoughts_that_another_sealed_are_left_out_and_named() -> None:
    sealed: Any = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
    fields, dropped = chat(input=[sealed, {"role": "user", "content": "x"}])
    assert fields["messages"] == [{"role": "user", "content": "x"}]
    assert dropped == ("input[0].encrypted_content",)


def _asked(text: str) -> Any:
    return {"role": "user", "content": text}


def _said(text: str) -> Any:
    return {"role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _thought(text: str) -> Any:
    content = [{"type": "reasoning_text", "text": text}]
    return {"type": "reasoning", "id": "r", "summary": [], "content": content}


def _called(number: int) -> Any:
    return {**CALL, "call_id": f"c{number}"}


def _answered(number: int, text: str) -> Any:
    return {**RESULT, "call_id": f"c{number}", "output": text}


NUMBERS, WORDS = st.integers(0, 3), st.text(max_size=5)
ITEMS: st.SearchStrategy[Any] = st.one_of(
    st.builds(_asked, WORDS),
    st.builds(_said, WORDS),
    st.builds(_thought, WORDS),
    st.builds(_called, NUMBERS),
    st.builds(_answered, NUMBERS, WORDS),
)


@given(st.lists(ITEMS, min_size=1, max_size=12))
def test_no_text_call_or_result_of_a_conversation_is_lost(items: list[Any]) -> None:
    messages = chat(input=items)[0]["messages"]
    for role, of in (("user", "user"), ("assistant", "assistant")):
        said = "".join(one.get("content") or "" for one in messages if one["role"] == role)
        given_texts = [
            one["content"] if isinstance(one["content"], str) else one["content"][0]["text"]
            for one in items
            if one.get("role") == of
        ]
        assert said == "".join(given_texts)
    calls = [call["id"] for one in messages for call in one.get("tool_calls", ())]
    assert calls == [one["call_id"] for one in items if one.get("type") == "function_call"]
    results = [one["content"] for one in messages if one["role"] == "tool"]
    assert results == [one["output"] for one in items if one.get("type") == "function_call_output"]
