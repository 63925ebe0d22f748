"""Each strict provider takes a plain conversation with a tool, and refuses what its source says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.fakes.strict.images import JPEG, PNG
from tests.fakes.strict.providers import STRICT
from tests.fakes.strict.rule import complaints

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
SIGNED = {**CALL, "extra_content": {"google": {"thought_signature": "sig"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def chat_body(slug: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": STRICT[slug].model,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "assistant", "content": "It is sunny."},
            {"role": "user", "content": [{"type": "text", "text": "And tomorrow?"}]},
        ],
        "tools": [TOOL],
    }
    if slug == "google":
        body["messages"][2]["tool_calls"] = [SIGNED]
    if slug == "openai":
        body["reasoning_effort"] = "none"
    if slug == "deepseek-like":
        body["messages"][2]["reasoning_content"] = "hm"
    return copy.deepcopy(body)


def messages_body() -> dict[str, Any]:
    use: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1"}
    return {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result, {"type": "text", "text": "And tomorrow?"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }


def image(media_type: str, data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}


OF_CHAT = [slug for slug, one in STRICT.items() if one.dialect == "openai"]
ASSISTANT, RESULT, SAID, LAST = 2, 3, 4, 5


@pytest.mark.parametrize("slug", OF_CHAT)
def test_a_plain_conversation_is_taken(slug: str) -> None:
    assert complaints(STRICT[slug].rules, chat_body(slug)) == []


# Where of the conversation, under which name, what; and who refuses it.
REFUSED: list[tuple[int, str, object, set[str]]] = [
    (0, "role", "developer", set(OF_CHAT) - {"openai"}),
    (SAID, "reasoning", "hm", set(OF_CHAT) - {"openrouter"}),
    (SAID, "reasoning_content", "hm", {"openai", "google", "groq", "together"}),
    (SAID, "thinking_blocks", [], set(OF_CHAT)),
    (SAID, "refusal", None, {"google", "groq", "fireworks", "together", "deepseek-like"}),
    (SAID, "content", None, set(OF_CHAT)),
    (SAID, "tool_calls", [], set(OF_CHAT) - {"google"}),
    (LAST, "name", "Ann", {"groq"}),
    (RESULT, "content", [{"type": "text", "text": "sunny"}], {"deepseek-like"}),
    (RESULT, "tool_call_id", "other", {"openai", "google", "openrouter", "deepseek-like"}),
    (ASSISTANT, "tool_calls", [SIGNED], set(OF_CHAT) - {"google"}),
    (
        *(ASSISTANT, "tool_calls", [{**CALL, "index": 0}]),
        set(OF_CHAT) - {"fireworks", "together"},
    ),
    (LAST, "content", [image("image/png", JPEG)], {"google"}),
    (LAST, "content", [{"type": "thinking", "text": "hm"}], set(OF_CHAT) - {"deepseek-like"}),
    (
        LAST,
        "content",
        [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
        set(OF_CHAT) - {"openrouter", "deepseek-like"},
    ),
]


@pytest.mark.parametrize(("place", "name", "value", "who"), REFUSED)
def test_who_refuses_what_of_a_message(place: int, name: str, value: object, who: set[str]) -> None:
    def is_refused(slug: str) -> bool:
        body = chat_body(slug)
        body["messages"][place][name] = value
        return complaints(STRICT[slug].rules, body) != []

    assert {slug for slug in OF_CHAT if is_refused(slug)} == who


@pytest.mark.parametrize(
    ("arguments", "who"),
    [
        ('{"a": "cut', {"google", "fireworks", "together", "openrouter", "deepseek-like"}),
        ("[1]", {"google", "fireworks", "together", "openrouter", "deepseek-like"}),
        ({"a": 1}, set(OF_CHAT)),
    ],
)
def test_who_reads_the_arguments_of_a_call(arguments: object, who: set[str]) -> None:
    def is_refused(slug: str) -> bool:
        body = chat_body(slug)
        body["messages"][ASSISTANT]["tool_calls"][0]["function"]["arguments"] = arguments
        return complaints(STRICT[slug].rules, body) != []

    assert {slug for slug in OF_CHAT if is_refused(slug)} == who


FIELDS: list[tuple[str, object, set[str]]] = [
    ("seed", 7, {"google"}),
    ("store", False, {"google", "groq", "fireworks", "together", "deepseek-like"}),
    ("frequency_penalty", 0.5, {"google"}),
    ("logprobs", True, {"groq"}),
    ("reasoning_effort", "minimal", {"openai", "groq", "fireworks", "together"}),
    ("temperature", 0.2, set()),
    ("max_completion_tokens", 9, {"together", "deepseek-like"}),
]


@pytest.mark.parametrize(("name", "value", "who"), FIELDS)
def test_who_refuses_which_field(name: str, value: object, who: set[str]) -> None:
    def is_refused(slug: str) -> bool:
        return complaints(STRICT[slug].rules, {**chat_body(slug), name: value}) != []

    assert {slug for slug in OF_CHAT if is_refused(slug)} == who


def test_a_call_of_another_model_has_no_signature_for_gemini() -> None:
    body = chat_body("google")
    del body["messages"][ASSISTANT]["tool_calls"][0]["extra_content"]
    assert "thought_signature" in complaints(STRICT["google"].rules, body)[0]


def test_a_call_without_its_thoughts_is_refused_by_deepseek() -> None:
    body = chat_body("deepseek-like")
    del body["messages"][ASSISTANT]["reasoning_content"]
    assert "reasoning_content" in complaints(STRICT["deepseek-like"].rules, body)[0]


def test_a_long_id_is_refused_by_openai() -> None:
    body = chat_body("openai")
    body["messages"][ASSISTANT]["tool_calls"][0]["id"] = "x" * 41
    body["messages"][RESULT]["tool_call_id"] = "x" * 41
    assert len(complaints(STRICT["openai"].rules, body)) == 2


def test_gpt_6_samples_and_calls_only_where_it_does_not_think() -> None:
    body = {**chat_body("openai"), "temperature": 0.2}
    assert complaints(STRICT["openai"].rules, body) == []
    assert len(complaints(STRICT["openai"].rules, {**body, "reasoning_effort": "low"})) == 2


def test_claude_takes_a_plain_conversation() -> None:
    assert complaints(STRICT["anthropic"].rules, messages_body()) == []


TEXT = {"type": "text", "text": "a"}
MESSAGES_REFUSED: dict[str, dict[str, Any]] = {
    "an unknown field": {"seed": 7},
    "an answer that comes first": {
        "messages": [{"role": "assistant", "content": [TEXT]}, {"role": "user", "content": [TEXT]}],
    },
    "sampling": {"temperature": 0.2},
    "calls without tools": {"tools": []},
    "a prefill": {"messages": [{"role": "assistant", "content": [TEXT]}]},
    "a blank text": {"messages": [{"role": "user", "content": [{**TEXT, "text": " "}]}]},
    "an odd id": {
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "f:0", "name": "f", "input": {}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "f:0"}]},
        ]
    },
    "a missing result": {"messages": messages_body()["messages"][:2]},
    "an orphaned result": {"messages": messages_body()["messages"][2:]},
    "an image that is none of what it says": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG},
                    }
                ],
            }
        ]
    },
    "a thought without its signature": {
        "messages": [
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "a"}, TEXT]},
            {"role": "user", "content": [TEXT]},
        ]
    },
    "an effort that the version lacks": {
        "model": "claude-sonnet-4-6",
        "output_config": {"effort": "xhigh"},
    },
    "an effort of a version without": {
        "model": "claude-haiku-4-5",
        "output_config": {"effort": "low"},
    },
    "thinking switched off": {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
    "an open object": {
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    },
    "bounds": {
        "output_config": {
            "format": {"type": "json_schema", "schema": {"type": "integer", "minimum": 0}}
        }
    },
    "bounds in a strict tool": {
        "tools": [
            {
                "name": "f",
                "strict": True,
                "input_schema": {
                    "type": "object",
                    "properties": {"n": {"type": "string", "maxLength": 3}},
                    "additionalProperties": False,
                },
            }
        ]
    },
    "an unknown block": {"messages": [{"role": "user", "content": [{"type": "refusal"}]}]},
}


@pytest.mark.parametrize("changes", MESSAGES_REFUSED.values(), ids=MESSAGES_REFUSED.keys())
def test_what_claude_refuses(changes: dict[str, Any]) -> None:
    assert complaints(STRICT["anthropic"].rules, {**messages_body(), **changes}) != []


def test_a_trailing_blank_is_refused_where_a_prefill_is_taken() -> None:
    prefill = {"role": "assistant", "content": [{**TEXT, "text": "Sure: "}]}
    messages = [{"role": "user", "content": [TEXT]}, prefill]
    body = {**messages_body(), "model": "claude-haiku-4-5", "messages": messages}
    assert "trailing whitespace" in complaints(STRICT["anthropic"].rules, body)[0]


@pytest.mark.parametrize("slug", STRICT)
def test_each_rule_has_a_source(slug: str) -> None:
    assert all(len(rule.source) > 10 for rule in STRICT[slug].rules)
