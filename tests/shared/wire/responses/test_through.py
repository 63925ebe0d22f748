"""Responses to a provider that speaks them: what goes out and comes back is what came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.simulated_provider import responses_request, responses_wire
from functions.simulated_provider.answer import answer
from shared.errors import InvalidField
from shared.wire.chat.answer import NotAnAnswer, splice
from shared.wire.dialect import dialect_of
from shared.wire.parse.sse import END, named_event
from shared.wire.responses.held import Held
from shared.wire.responses.over import over
from shared.wire.responses.request import claimed, decode_responses
from shared.wire.responses.through_events import ThroughReader
from shared.wire.translated import Sending
from tests.shared.wire.responses.conversation import (
    IDS,
    METADATA,
    check_well_formed,
    events_in,
    request,
)

ASKED = claimed(request(), "ann")
OPENAI = msgspec.structs.replace(dialect_of("openai", "openai", "bearer"), account="openai:0")
THROUGH = over(OPENAI, ASKED, ids=IDS)
FAILED: Any = {
    "type": "response.failed",
    "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow."}},
}
ERROR: Any = {"type": "error", "code": "server_error", "message": "Oh.", "param": None}


def streamed(**body: Any) -> list[bytes]:
    asked = responses_request.decode(json.dumps({"model": "m", "input": "hi", **body}).encode())
    said = answer(asked)
    return responses_wire.events(responses_wire.response(asked, said), said)


def read(data: bytes, size: int = 1 << 20) -> tuple[bytes, ThroughReader]:
    reader = THROUGH.reader(show_usage=True, created=1)
    assert isinstance(reader, ThroughReader)
    out = b"".join(reader.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + reader.close(), reader


def as_given(events: list[Any]) -> list[Any]:
    """Events with the ids that the provider gave, each of which was Ann's at OpenAI."""
    for one in events:
        if "response" in one:
            held = IDS.holder(one["response"]["id"])
            assert held is not None
            assert (held.user, held.account) == ("ann", "openai:0")
            one["response"]["id"] = held.response
    return events


def test_every_byte_of_input_instructions_and_tools_goes_out_as_it_came() -> None:
    body = (
        b'{ "input" : [ {"role":"user", "content":"\\u00e9" } ],"instructions": "A",'
        b'"tools":[{"type":"web_search" }],"models":["x"],"model":"eco","temperature":0.50,'
        b'"include":["reasoning.encrypted_content"],"unknown" : {"a": 1.0}}'
    )
    fields = json.loads(body)
    sent = THROUGH.request(decode_responses(body, {}, ids=IDS), Sending("gpt-6-luna")).body
    for part in (
        b'[ {"role":"user", "content":"\\u00e9" } ]',
        b'[{"type":"web_search" }]',
        b"0.50",
        b'{"a": 1.0}',
    ):
        assert part in sent
    del fields["models"]
    assert json.loads(sent) == {**fields, "model": "gpt-6-luna"}
    assert THROUGH.path == "/responses"


def test_of_a_model_that_was_not_named_untaken_sampling_is_left_out() -> None:
    asked = request(temperature=0.5)
    to = Sending("gpt-6-luna", max_tokens=7, is_named=False)
    sent = THROUGH.request(asked, to)
    assert (json.loads(sent.body).get("temperature"), sent.dropped) == (None, ("temperature",))
    assert (json.loads(sent.body)["max_output_tokens"], sent.max_tokens) == (7, 7)


@pytest.mark.parametrize("text", ["hi", "call tool"])
@given(size=st.integers(1, 3000))
def test_a_stream_cut_anywhere_is_relayed_whole(text: str, size: int) -> None:
    tools: Any = [{"type": "function", "name": "f", "parameters": {}}]
    events = streamed(input=text, tools=tools)
    out, reader = read(b"".join(events), size)
    assert out.endswith(b"".join(events[2:-1]))
    assert as_given(events_in(out)) == events_in(b"".join(events[:-1]))
    assert (reader.is_finished, reader.has_error) == (True, False)
    assert reader.counts is not None
    assert reader.counts.completion_tokens
    relayed = events_in(out + reader.end(METADATA))
    response = check_well_formed(as_given(relayed))
    assert response.pop("_metadata") == {"provider_used": "openai"}
    assert response == json.loads(events[-1].split(b"data: ")[1])["response"]
    assert reader.delivered_tokens() > 0


@given(st.lists(st.sampled_from([b": ping\n\n", b"event: response.new\ndata: {}\n\n"]), max_size=3))
def test_comments_and_events_to_come_pass(more: list[bytes]) -> None:
    events = streamed()
    out, reader = read(b"".join([*events[:3], *more, *events[3:]]), 50)
    assert out.endswith(b"".join([events[2], *more, *events[3:-1]]))
    assert reader.is_finished


@pytest.mark.parametrize(
    ("event", "code"), [(FAILED, "rate_limit_exceeded"), (ERROR, "server_error")]
)
def test_an_error_in_a_stream_is_one(event: Any, code: str) -> None:
    data = b"".join(streamed()[:4]) + named_event(event["type"], json.dumps(event).encode())
    out, reader = read(data)
    assert out.count(END) == 4
    assert reader.error is not None
    assert json.loads(reader.error)["error"]["code"] == code
    assert reader.next_number == 4
    assert reader.failed({"code": "x"})["status"] == "failed"


def test_a_stream_that_only_ends_is_not_finished() -> None:
    _, reader = read(b"".join(streamed()[:-1]))
    assert (reader.is_finished, reader.has_error) == (False, False)


def test_an_answer_is_given_on_as_it_came_and_its_usage_read() -> None:
    asked = responses_request.decode(b'{"model":"m","input":"hi"}')
    body = json.dumps(responses_wire.response(asked, answer(asked)), indent=1).encode()
    completion = THROUGH.reply(body, created=1)
    held = IDS.holder(json.loads(completion.body)["id"])
    assert held is not None
    assert {**json.loads(completion.body), "id": held.response} == json.loads(body)
    assert completion.counts is not None
    assert (completion.counts.prompt_tokens, completion.model) == (5, "m")
    assert json.loads(splice(completion.body, METADATA))["_metadata"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"<html>",
        b'{"object":"response","output":[]}',
        b'{"output":[{}],"status":"failed","error":null}',
        b'{"output":[],"error":{"code":"server_error","message":"Oh."}}',
        b'{"error":{"message":"Oh."}}',
    ],
)
def test_what_is_no_response_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        THROUGH.reply(body, created=1)


SEALED: Any = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA+/="}


def test_what_a_provider_sealed_comes_back_to_it_as_it_was_and_binds_to_it() -> None:
    body = {"id": "resp_1", "output": [SEALED], "usage": {"input_tokens": 1, "output_tokens": 1}}
    given_out = json.loads(THROUGH.reply(json.dumps(body).encode(), created=1).body)["output"]
    assert given_out[0]["encrypted_content"] != SEALED["encrypted_content"]
    event = {"type": "response.output_item.done", "item": SEALED}
    out, _ = read(named_event(event["type"], json.dumps(event).encode()))
    assert events_in(out)[0]["item"] == given_out[0]
    asked = request(
        input=[*given_out, {"role": "user", "content": 'not "encrypted_content":"sy.x."'}]
    )
    assert asked.held == Held("ann", "openai:0", "")
    sent = json.loads(THROUGH.request(claimed(asked, "ann"), Sending("m")).body)["input"]
    assert sent == [SEALED, asked_of(asked)[1]]
    with pytest.raises(InvalidField, match="another user") as caught:
        claimed(asked, "bob")
    assert caught.value.param == "input"


def asked_of(asked: Any) -> Any:
    return json.loads(bytes(asked.fields["input"]))


def test_a_follow_up_names_its_response_by_the_providers_own_id() -> None:
    given_out = IDS.response_id(Held("ann", "openai:0", "resp_1"))
    asked = claimed(request(previous_response_id=given_out), "ann")
    through = over(OPENAI, asked, ids=IDS)
    assert json.loads(through.request(asked, Sending("m")).body)["previous_response_id"] == "resp_1"
    answered = {"id": "resp_2", "previous_response_id": "resp_1", "output": [{"type": "x"}]}
    told = json.loads(through.reply(json.dumps(answered).encode(), created=1).body)
    assert told["previous_response_id"] == given_out


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_68af"}, "previous_response_id"),
        ({"previous_response_id": "msg_1"}, "previous_response_id"),
        ({"previous_response_id": "resp_" + "A" * 5000}, "previous_response_id"),
        ({"previous_response_id": "resp_\u00e9/../x"}, "previous_response_id"),
        ({"input": [{**SEALED, "encrypted_content": "sy.AAAA.gAAA"}]}, "input"),
    ],
)
def test_what_was_not_given_out_here_is_refused_by_name(body: Any, param: str) -> None:
    with pytest.raises(InvalidField) as caught:
        request(**body)
    assert caught.value.param == param


@pytest.mark.parametrize("account", ["openai:7", "other:0"])
def test_what_another_key_sealed_is_left_out_and_named(account: str) -> None:
    mark = IDS.mark(Held("ann", "openai:0", "")).decode()
    turn = {"role": "user", "content": "go on"}
    asked = claimed(
        request(input=[turn, {**SEALED, "encrypted_content": mark + "gAAA"}, turn]), "ann"
    )
    other = over(msgspec.structs.replace(OPENAI, account=account), asked, ids=IDS)
    sent = other.request(asked, Sending("m"))
    assert json.loads(sent.body)["input"] == [turn, turn]
    assert sent.dropped == ("input[1]",)


def test_thoughts_of_two_keys_are_refused_together() -> None:
    marks = [IDS.mark(Held("ann", account, "")).decode() for account in ("openai:0", "openai:7")]
    items = [{**SEALED, "encrypted_content": mark + "gAAA"} for mark in marks]
    with pytest.raises(InvalidField, match="several"):
        request(input=items)
    assert request(input=items[1:]).held == Held("ann", "openai:7", "")
