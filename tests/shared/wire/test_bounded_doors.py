"""`max_cost_usd` goes with what costs nothing beside tokens, through every door."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.bounded import check_bounded, worst_of
from shared.wire.chat.request import ChatRequest
from shared.wire.messages.door.request import decode_messages
from shared.wire.responses.request import decode_responses
from tests.shared.wire.responses.conversation import IDS

LONG = "word " * 2000
TURNS = [{"role": "user", "content": "hi"}]
TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
MARKED = [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]


def message(**fields: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": TURNS, "max_cost_usd": 0.1, **fields}
    return decode_messages(json.dumps(body).encode(), {})


def response(**fields: Any) -> ChatRequest:
    body = {"model": "m", "input": "hi", "max_cost_usd": 0.1, **fields}
    return decode_responses(json.dumps(body).encode(), {}, ids=IDS)


@pytest.mark.parametrize(
    "chat",
    [
        message(system="Be brief."),
        message(system=MARKED, stop_sequences=["x"], tools=[TOOL], tool_choice={"type": "auto"}),
        message(thinking={"type": "adaptive"}, output_config={"effort": "low"}, top_k=3),
        response(instructions="Be brief.", max_output_tokens=9),
        response(text={"format": {"type": "text"}}, tools=[FUNCTION], store=False),
        response(include=["reasoning.encrypted_content"], reasoning={"effort": "low"}),
    ],
)
def test_what_costs_tokens_alone_is_taken(chat: ChatRequest) -> None:
    check_bounded(chat)


@pytest.mark.parametrize(
    ("chat", "param"),
    [
        (message(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "tools[0]"),
        (message(mcp_servers=[]), "mcp_servers"),
        (message(context_management={"edits": []}), "context_management"),
        (response(tools=[{"type": "web_search"}]), "tools[0]"),
        (response(prompt={"id": "p"}), "prompt"),
    ],
)
def test_what_has_a_price_of_its_own_is_refused_by_name(chat: ChatRequest, param: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_bounded(chat)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (message(), message(system=LONG)),
        (response(), response(instructions=LONG)),
        (response(), response(input=LONG)),
    ],
)
def test_the_bound_counts_them(short: ChatRequest, long: ChatRequest) -> None:
    assert worst_of(long).text_tokens > worst_of(short).text_tokens + 1500


def test_what_is_marked_to_be_cached_is_written_wherever_it_stands() -> None:
    assert worst_of(message(system=MARKED)).writes_cache
    assert not worst_of(message(system="s")).writes_cache
