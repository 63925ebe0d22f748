"""Laws of offering tools to Anthropic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.messages.write import write_request
from shared.wire.translated import Sending

EPHEMERAL = {"type": "ephemeral"}
HELLO = [{"role": "user", "content": "x"}]
PARAMETERS = {"type": "object", "properties": {"location": {"type": "string"}}}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS},
}


def sent(**fields: object) -> dict[str, Any]:
    body = json.dumps({"messages": HELLO, **fields}).encode()
    return json.loads(write_request(decode_chat(body), Sending("claude-sonnet-4-6")).body)


def test_tools_become_anthropics_with_their_cache_breakpoints() -> None:
    bare = {"type": "function", "function": {"name": "now"}, "cache_control": EPHEMERAL}
    strict = {"type": "function", "function": {**TOOL["function"], "strict": True}}  # type: ignore[dict-item]
    assert sent(tools=[strict, bare])["tools"] == [
        {
            "name": "get_weather",
            "description": "Weather.",
            "input_schema": {**PARAMETERS, "additionalProperties": False},
            "strict": True,
        },
        {"name": "now", "input_schema": {"type": "object"}, "cache_control": EPHEMERAL},
    ]


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        pytest.param({}, None, id="none said"),
        pytest.param({"tool_choice": "auto"}, {"type": "auto"}, id="auto"),
        pytest.param({"tool_choice": "none"}, {"type": "none"}, id="none"),
        pytest.param({"tool_choice": "required"}, {"type": "any"}, id="required is any"),
        pytest.param(
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"type": "tool", "name": "f"},
            id="a tool by its name",
        ),
        pytest.param(
            {"parallel_tool_calls": False},
            {"type": "auto", "disable_parallel_tool_use": True},
            id="one call at a time",
        ),
        pytest.param(
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
            id="exactly one call",
        ),
        pytest.param(
            {"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}, id="no call"
        ),
        pytest.param({"parallel_tool_calls": True}, None, id="parallel is the default"),
    ],
)
def test_the_choice_among_tools(
    fields: dict[str, object], choice: dict[str, object] | None
) -> None:
    assert sent(tools=[TOOL], **fields).get("tool_choice") == choice
    assert "tool_choice" not in sent(**fields)


def test_a_tool_that_is_no_function_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidField) as caught:
        sent(tools=[TOOL, {"type": "custom", "custom": {"name": "c"}}])
    assert caught.value.param == "tools[1]"
