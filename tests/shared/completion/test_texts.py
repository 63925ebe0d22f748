"""Every text of a usage record that a caller or a provider wrote has passed the guard."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.record import UsageFinal, UsageIntent
from shared.wire.text import clean
from tests.shared.completion.room import Answer, Room, body_of
from tests.shared.routing import catalog

hostile = st.sampled_from(
    ["\x00", "a\x00b", "a\r\nx: y", "\x1b[2J", "\u2028", "t" * 5000, "\u202e", "caf\u00e9", ""]
) | st.text(max_size=20)
anything = hostile | st.integers() | st.none() | st.lists(hostile, max_size=2) | st.booleans()


def room() -> Room:
    model = catalog.model(1, catalog.provider(1, "openai"), "m1", "eco", price=catalog.price(1, 4))
    return Room(catalog.snapshot((model,), ()))


def texts_of(record: UsageIntent | UsageFinal) -> list[str]:
    values = [*msgspec.structs.astuple(record)]
    for attempt in getattr(record, "attempts", ()):
        values.extend(msgspec.structs.astuple(attempt))
    return [value for value in values if isinstance(value, str)]


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("user", "prompt_cache_key", "task_type"), anything),
    ),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("x_session_id", "x_task_type", "user_agent"), hostile)
    ),
    st.fixed_dictionaries({}, optional={"model": hostile, "service_tier": hostile}),
    st.booleans(),
)
def test_what_a_record_says_can_be_stored(
    labels: dict[str, Any], headers: dict[str, str], answered: dict[str, str], stream: bool
) -> None:
    this = room()
    said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    event = f"data: {json.dumps({**chunk, **answered})}\n\ndata: [DONE]\n\n".encode()
    body = event if stream else json.dumps({**said, **answered}).encode()
    this.answers["openai"] = Answer(chunks=[body])
    asyncio.run(this.complete(body_of(model="m1", stream=stream, **labels), **headers))
    assert len(this.spool.finals) == 1
    for record in (*this.spool.intents, *this.spool.finals):
        assert [text for text in texts_of(record) if text != clean(text)] == []


@pytest.mark.parametrize("label", [{"id": 1}, 7, ["a"], True])
@pytest.mark.parametrize("name", ["user", "prompt_cache_key", "task_type"])
def test_a_label_of_a_wrong_type_is_left_out_and_named(name: str, label: object) -> None:
    this = room()
    answer = json.loads(asyncio.run(this.complete(body_of(model="m1", **{name: label}))))
    assert answer["_metadata"]["dropped_params"] == [name]
    assert name not in json.loads(this.sent[0].body)


def test_a_label_is_relayed_as_it_came_whatever_is_kept_of_it() -> None:
    this = room()
    asyncio.run(this.complete(body_of(model="m1", user="a\x00b")))
    assert json.loads(this.sent[0].body)["user"] == "a\x00b"
    assert this.spool.finals[0].session_id == "a\ufffdb"


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        pytest.param({"model": "m\r\n"}, "model", "invalid_value", id="a line break"),
        pytest.param({"model": "m" * 201}, "model", "invalid_value", id="201 characters"),
        pytest.param({"model": "m\x00"}, "model", "invalid_value", id="NUL"),
        pytest.param({"model": "caf\u00e9"}, "model", "invalid_value", id="not ASCII"),
        pytest.param({"models": ["m1", ""]}, "models[1]", "invalid_value", id="no name at all"),
        pytest.param({"models": ["m1", "a b"]}, "models[1]", "invalid_value", id="a blank"),
        pytest.param({"models": ["m"] * 33}, "models", "array_above_max_length", id="33 models"),
        pytest.param(
            {"messages": [{"role": "user", "content": "x"}] * 10_001},
            "messages",
            "array_above_max_length",
            id="10,001 messages",
        ),
        pytest.param({"tools": [{}] * 1025}, "tools", "array_above_max_length", id="1,025 tools"),
        pytest.param({"power_level": "eco "}, "power_level", "invalid_value", id="a level's blank"),
    ],
)
def test_a_name_that_nothing_can_have_and_too_long_a_list_are_refused_by_name(
    fields: dict[str, Any], param: str, code: str
) -> None:
    this = room()
    error = json.loads(asyncio.run(this.complete(body_of(**fields))))["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert this.sent == []


def test_a_level_in_a_header_is_a_name_too() -> None:
    answer = asyncio.run(room().complete(body_of(), x_power_level="eco\x1b[2J"))
    assert json.loads(answer)["error"]["param"] == "x-power-level"


def test_as_many_as_may_be_are_served() -> None:
    this = room()
    many = [{"role": "user", "content": "x"}] * 10_000
    answer = asyncio.run(this.complete({"messages": many, "models": ["m1"] * 32, "tools": None}))
    assert b"choices" in answer
