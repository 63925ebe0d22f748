"""A Messages request as one of chat: what is carried over, dropped and named, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidField
from shared.wire.dialect import dialect_of
from shared.wire.history.fields import raw
from shared.wire.messages.conversation import translate_messages
from shared.wire.messages.door.chat_turns import chat_messages
from shared.wire.messages.door.over import over
from shared.wire.messages.door.request import MessagesRequest, decode_messages
from shared.wire.messages.versions import abilities_of
from shared.wire.translated import Drops, Sending
from tests.fakes.strict.providers import STRICT
from tests.fakes.strict.rule import complaints

MODEL = "claude-opus-5-5"
EPHEMERAL: Any = {"type": "ephemeral"}
PNG: Any = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
TOOL: Any = {"name": "f", "description": "F.", "input_schema": {"type": "object", "properties": {}}}
USE: Any = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}


def asked(*messages: Any, **more: Any) -> MessagesRequest:
    body = {"messages": list(messages) or [user("hi")], "max_tokens": 100, **more}
    return decode_messages(json.dumps(body).encode(), {})


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def said(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def sent(
    request: MessagesRequest, slug: str = "openai", *, is_named: bool = True
) -> tuple[dict[str, Any], tuple[str, ...]]:
    dialect = dialect_of(STRICT[slug].dialect, slug, "bearer")
    to = Sending(STRICT[slug].model, is_named=is_named)
    written = over(dialect, request).request(request, to)
    return json.loads(written.body), written.dropped


def chat_of(*messages: Any, **more: Any) -> list[dict[str, Any]]:
    return sent(asked(*messages, **more))[0]["messages"]


def test_system_comes_first() -> None:
    blocks: Any = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    assert chat_of(system="Be brief.")[0] == {"role": "system", "content": "Be brief."}
    assert chat_of(system=blocks)[0] == {"role": "system", "content": blocks}
    assert [one["role"] for one in chat_of(system="")] == ["user"]


def test_results_stand_behind_their_calls_and_before_the_text_of_their_turn() -> None:
    function = {"name": "f", "arguments": '{"a":1}'}
    call: Any = {"id": "toolu_1", "type": "function", "function": function}
    turns: Any = (user("hi"), said([text("So"), USE]), user([RESULT, text("And?")]))
    _, answer, result, question = chat_of(*turns, tools=[TOOL])
    answer["tool_calls"][0]["function"]["arguments"] = '{"a":1}'
    assert answer == {"role": "assistant", "content": "So", "tool_calls": [call]}
    assert result == {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"}
    assert question == {"role": "user", "content": "And?"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def test_an_image_in_a_result_is_shown_behind_it() -> None:
    result: Any = {**RESULT, "content": [{"type": "image", "source": PNG}]}
    *_, told, shown = chat_of(user("hi"), said([USE]), user([result]), tools=[TOOL])
    assert told["content"] == "The result is in the message that follows."
    url = "data:image/png;base64,iVBORw0KGgo="
    assert shown["content"] == [{"type": "image_url", "image_url": {"url": url}}]


def test_documents_and_images_become_parts() -> None:
    pdf: Any = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    plain: Any = {"type": "text", "media_type": "text/plain", "data": "words"}
    blocks: Any = [
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": plain, "title": "Notes"},
    ]
    [message] = chat_of(user(blocks))
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        {"type": "file", "file": file},
        text("Notes\nwords"),
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        (
            {"type": "tool", "name": "f"},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
    ],
)
def test_the_choice_among_tools_is_carried_over(choice: Any, expected: Any) -> None:
    body, _ = sent(asked(tools=[TOOL], tool_choice=choice))
    assert {name: body[name] for name in expected} == expected
    function = {"name": "f", "description": "F.", "parameters": TOOL["input_schema"]}
    assert body["tools"] == [{"type": "function", "function": function}]


def test_limits_stops_effort_and_schema_are_carried_over() -> None:
    schema: Any = {"type": "object", "properties": {}, "additionalProperties": False}
    config: Any = {"effort": "low", "format": {"type": "json_schema", "schema": schema}}
    body, _ = sent(asked(stop_sequences=["END"], output_config=config))
    assert (body["max_completion_tokens"], body["stop"]) == (100, ["END"])
    assert body["reasoning_effort"] == "low"
    assert body["response_format"]["json_schema"]["schema"] == schema


def test_what_only_anthropics_servers_know_is_dropped_and_named() -> None:
    """Claude Code sends these with every request."""
    more: Any = {
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": []},
        "metadata": {"user_id": "user_1"},
        "container": "c",
        "invented": 1,
    }
    marked = text("hi", cache_control=EPHEMERAL)
    body, dropped = sent(asked(user([marked]), **more))
    assert not body.keys() & more.keys()
    assert set(dropped) == {*more, "messages[0].content[0].cache_control"}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]}, "tools[1]"),
        ({"tools": [{"type": "code_execution_20250825", "name": "c"}]}, "tools[0]"),
        ({"mcp_servers": [{"type": "url", "url": "https://a.example"}]}, "mcp_servers"),
    ],
)
def test_server_tools_are_refused_by_name_or_dropped_where_that_was_asked_for(
    more: Any, param: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        sent(asked(**more))
    assert (refused.value.param, refused.value.code) == (param, "unsupported_parameter")
    assert param in sent(asked(**more, drop_params=True))[1]


def test_what_a_servers_tool_left_in_the_history_is_refused_by_its_place() -> None:
    use: Any = {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
    with pytest.raises(InvalidField) as refused:
        sent(asked(user("hi"), said([text("so"), use]), user("and?")))
    assert refused.value.param == "messages[1].content[1]"


CONVERSATION: Any = (
    user([text("Weather?", cache_control=EPHEMERAL)]),
    said([{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, text("I look."), USE]),
    user([{**RESULT, "is_error": True}, text("And tomorrow?")]),
)


@pytest.mark.parametrize("slug", [one for one in STRICT if STRICT[one].dialect == "openai"])
@pytest.mark.parametrize("stream", [False, True])
def test_every_chat_provider_takes_a_conversation_of_claudes(slug: str, stream: bool) -> None:
    more: Any = {"system": [text("Be brief.", cache_control=EPHEMERAL)], "tools": [TOOL]}
    more |= {"temperature": 1, "thinking": {"type": "adaptive"}, "stream": stream}
    request = asked(*CONVERSATION, **more)
    body, _ = sent(request, slug, is_named=False)
    assert complaints(STRICT[slug].rules, body) == []
    everything = json.dumps(body)
    for words in ("Be brief.", "Weather?", "I look.", "sunny", "And tomorrow?"):
        assert words in everything


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
IDS = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
INPUTS = st.dictionaries(WORDS, st.one_of(st.integers(-9, 9), WORDS, st.booleans()), max_size=3)


TURNS = st.lists(
    st.tuples(WORDS, IDS, INPUTS, WORDS), min_size=1, max_size=4, unique_by=lambda turn: turn[1]
)


@given(TURNS)
def test_messages_to_chat_and_back_keep_texts_calls_and_ids(turns: Any) -> None:

    messages: list[Any] = [user("go")]
    for words, call_id, given_input, result in turns:
        use = {"type": "tool_use", "id": call_id, "name": "f", "input": given_input}
        messages.append(said([text("x" + words), use]))
        messages.append(
            user([{"type": "tool_result", "tool_use_id": call_id, "content": "r" + result}])
        )

    drops = Drops(may_drop=False)
    chat = chat_messages(None, raw(messages), drops)
    back = translate_messages(raw(chat), MODEL, abilities_of(MODEL), drops, provider="anthropic")
    turned = json.loads(bytes(raw(back.turns)))
    assert [one["role"] for one in turned] == [one["role"] for one in messages]
    for turn, (words, call_id, given_input, _) in zip(turned[1::2], turns, strict=True):
        assert turn["content"] == [
            text("x" + words),
            {"type": "tool_use", "id": call_id, "name": "f", "input": given_input},
        ]
    for turn, (_, call_id, _, result) in zip(turned[2::2], turns, strict=True):
        assert turn["content"][0]["tool_use_id"] == call_id
        assert turn["content"][0]["content"] == [text("r" + result)]
