"""Responses to a provider that speaks them: what goes out and comes back is what came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.simulated_provider import responses_request, responses_wire
from functions.simulated_provider.answer import answer
from shared.wire.chat.answer import NotAnAnswer, splice
from shared.wire.dialect import dialect_of
from shared.wire.parse.sse import END, named_event
from shared.wire.responses.over import over
from shared.wire.responses.request import decode_responses
from shared.wire.responses.through_events import ThroughReader
from shared.wire.translated import Sending
from tests.shared.wire.responses.conversation import (
    METADATA,
    check_well_formed,
    events_in,
    request,
)

THROUGH = over(dialect_of("openai", "openai", "bearer"), request())
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
    reader = ThroughReader()
    out = b"".join(reader.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + reader.close(), reader


def test_every_byte_of_input_instructions_and_tools_goes_out_as_it_came() -> None:
    body = (
        b'{ "input" : [ {"role":"user", "content":"\\u00e9" } ],"instructions": "A",'
        b'"tools":[{"type":"web_search" }],"models":["x"],"model":"eco","temperature":0.50,'
        b'"include":["reasoning.encrypted_content"],"unknown" : {"a": 1.0}}'
    )
    fields = json.loads(body)
    sent = THROUGH.request(decode_responses(body, {}), Sending("gpt-6-luna")).body
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
    assert out == b"".join(events[:-1])
    assert (reader.is_finished, reader.has_error) == (True, False)
    assert reader.counts is not None
    assert reader.counts.completion_tokens
    relayed = events_in(out + reader.end(METADATA))
    response = check_well_formed(relayed)
    assert response.pop("_metadata") == {"provider_used": "openai"}
    assert response == json.loads(events[-1].split(b"data: ")[1])["response"]
    assert reader.delivered_tokens() > 0


@given(st.lists(st.sampled_from([b": ping\n\n", b"event: response.new\ndata: {}\n\n"]), max_size=3))
def test_comments_and_events_to_come_pass(more: list[bytes]) -> None:
    events = streamed()
    out, reader = read(b"".join([*events[:3], *more, *events[3:]]), 50)
    assert out == b"".join([*events[:3], *more, *events[3:-1]])
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
    assert completion.body is body
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
