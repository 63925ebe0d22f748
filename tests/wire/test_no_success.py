"""A 200 is no success: an error in any shape is that error, with its own code, and falls over."""

from __future__ import annotations

import json

import pytest

from tests.fakes.told_provider import (
    DONE,
    NewPair,
    as_events,
    as_json,
    chunk,
    completion,
    message,
    metadata_of,
    named,
    text_of,
)

HTML = b"content-type: text/html\r\n"
TOO_LONG = {"code": "context_length_exceeded", "message": "too long", "type": "invalid"}
BUSY = {"code": 503, "message": "busy"}
NO_WORD = [{"index": 0, "message": {"role": "assistant", "content": ""}}]
EMPTY = {"role": "assistant", "content": ""}


def in_choice(error: object, reason: object = "error") -> dict[str, object]:
    return {"index": 0, "error": error, "message": EMPTY, "finish_reason": reason}


BODIES: dict[str, object] = {
    "an error": {"error": BUSY},
    "an error that is a text": {"error": "model is overloaded"},
    "an error in a list": [{"error": BUSY}],
    "object: error": {"object": "error", "message": "no worker is free", "code": 503},
    "code and message": {"code": "rate_limit_daily", "message": "quota used up"},
    "a message alone": {"message": "Endpoint request timed out"},
    "detail": {"detail": "Not Found"},
    "errors": {"success": False, "errors": [{"code": 5007, "message": "AiError"}]},
    "choices null": {"id": "x", "choices": None, "base_resp": {"status_code": 1004}},
    "choices empty": completion("", choices=[]),
    "an empty object": {},
    "a list": [],
    "null": None,
    "an error in the choice": completion("", choices=[in_choice(BUSY)]),
    "an error in the message": completion("", choices=[{"message": {"error": BUSY}}]),
    "an error and a text behind it": b'{"error":{"code":503,"message":"busy"}} -- edge',
    "two errors": b'{"error":{"code":503,"message":"busy"}}\n{"error":{"code":503}}',
    "a list of a list": [[completion("hello")]],
    "pieces, one a line, cut": b'{"choices":[{"delta":{"content":"he"}}]}\n{"choices":[{"del',
    "gzip of nothing": b"\x1f\x8b\x08not gzip",
    "an error in UTF-16": '{"error":{"code":503,"message":"busy"}}'.encode("utf-16"),
    "a reason of error alone": completion("", choices=[in_choice(None)]),
    "no content, no reason, no usage": completion("", None, choices=NO_WORD),
    "HTML": b"<!DOCTYPE html><title>502</title>",
    "nothing": b"",
    "a text": b"upstream request timeout",
    "a text in quotes": b'"model is loading"',
    "a number": b"503",
    "blanks": b" \n ",
    "HTML behind a byte order mark": b"\xef\xbb\xbf<html></html>",
    "code and msg": {"code": 1211, "msg": "no such model"},
    "error_msg": {"error_code": 336, "error_msg": "no"},
    "choices as an object": {"choices": {}},
    "a choice that is null": {"choices": [None]},
    "a choice that is empty": {"choices": [{}]},
    "a message that is null": {"choices": [{"index": 0, "message": None, "finish_reason": None}]},
    "not UTF-8": b'{"choices":[{"message":{"content":"h\xff\xfe"}}]}',
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_answer_falls_over_and_costs_one_call(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    pair = new_pair("openai")
    head = HTML if case == "HTML" else b"content-type: application/json\r\n"
    pair.first.fails(as_json(BODIES[case], head))
    answer = pair.ask(stream=stream)
    assert answer.status_code == 200, answer.text
    assert text_of(answer) == "from the second"
    assert (pair.first.calls, pair.second.calls) == (1, 1)
    failed, won = metadata_of(answer)["attempts"]
    assert failed["error"] is not None
    assert won["error"] is None


ROLE = chunk({"role": "assistant", "content": ""}, "")
FIRST_EVENTS: dict[str, list[object]] = {
    "an error": [{"error": BUSY}, DONE],
    "an error behind the role": [ROLE, {"error": BUSY}],
    "an error behind comments": [b": processing\n\n", b": processing\n\n", {"error": BUSY}],
    "an error in the choice": [{**chunk({}), "choices": [in_choice(BUSY)]}],
    "object: error": [{"object": "error", "message": "down", "code": 503}],
    "code and message": [{"code": "slow_down", "message": "down"}],
    "detail": [{"detail": "Internal error"}],
    "a list": [[{"error": BUSY}]],
    "x_groq": [chunk({}, None, x_groq={"error": "over capacity"})],
    "only [DONE]": [DONE],
    "only a role": [ROLE, DONE],
    "an error in the delta": [{**chunk({}), "choices": [{"index": 0, "delta": {"error": BUSY}}]}],
    "an error in the delta, a text": [chunk({"role": "assistant", "error": "overloaded"})],
    "choices null and [DONE]": [{"id": "x", "choices": None}, DONE],
    "only comments": [b": processing\n\n"],
    "HTML": [b"<html>502</html>"],
    "an event of the name error, a text": [b"event: error\ndata: overloaded\n\n"],
    "code and msg": [{"code": 1211, "msg": "no such model"}],
    "error_msg": [{"error_code": 336, "error_msg": "no"}],
    "base_resp": [{"choices": None, "base_resp": {"status_code": 1002, "status_msg": "slow"}}],
    "error: true": [{"error": True, "message": "no"}],
    "response.failed": [{"type": "response.failed", "response": {"error": BUSY}}, DONE],
    "DeepSeek's reason": [chunk({"content": ""}, "insufficient_system_resource"), DONE],
    "Zhipu's reason": [ROLE, chunk({}, "network_error"), DONE],
    "not UTF-8": [b'data: {"choices":[{"index":0,"delta":{"content":"h\xff"}}]}\n\n', DONE],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", FIRST_EVENTS)
def test_a_stream_that_begins_with_no_answer_falls_over(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    """In a stream to a stream request, and to one for JSON."""
    pair = new_pair("openai")
    pair.first.fails(as_events(*FIRST_EVENTS[case]))
    answer = pair.ask(stream=stream)
    assert answer.status_code == 200, answer.text
    assert text_of(answer) == "from the second"
    assert (pair.first.calls, pair.second.calls) == (1, 1)


HEADS: dict[str, bytes] = {
    "204": b"204 No Content\r\n\r\n",
    "302": b"302 Found\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n",
    "304": b"304 Not Modified\r\n\r\n",
    "502, a page": b"502 No\r\ncontent-type: text/html\r\n\r\n<html><title>502</title></html>",
    "503, a time before now": b"503 No\r\nretry-after: -5\r\n\r\nno",
    "429, an old date": b"429 No\r\nretry-after: Sun Nov  6 08:49:37 1994\r\n\r\nerror code: 1015",
    "429, a fraction": b"429 No\r\nretry-after: 1.5\r\n\r\n{}",
    "429, no number": b"429 No\r\nretry-after: nan\r\n\r\n{}",
    "429, the end of time": b"429 No\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n{}",
    "429, an odd zone": b"429 No\r\nretry-after: Fri, 31 Dec 9999 23:59:59 -9999\r\n\r\n{}",
    "520": b"520 No\r\n\r\n",
    "chunks that are none": b"200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "shorter than it says": b'200 OK\r\ncontent-length: 500\r\n\r\n{"choices":[',
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", HEADS)
def test_an_answer_by_its_head_alone_falls_over(new_pair: NewPair, case: str, stream: bool) -> None:
    pair = new_pair("openai")
    status, headers = HEADS[case].split(b"\r\n", 1)
    pair.first.fails(b"HTTP/1.1 %b\r\nconnection: close\r\n%b" % (status, headers))
    assert text_of(pair.ask(stream=stream)) == "from the second"
    assert (pair.first.calls, pair.second.calls) == (1, 1)


CODES = [
    (TOO_LONG, 400, "context_length_exceeded"),
    ({"message": "slow down", "code": 429}, 429, "provider_rate_limited"),
    ({"message": "no", "code": "content_filter"}, 400, "content_filter"),
    ({"message": "none", "type": "not_found_error"}, 404, "model_not_found"),
]


def wrapped(error: object, wrapping: str) -> bytes:
    match wrapping:
        case "first event":
            return as_events({"error": error}, DONE)
        case "in a delta":
            return as_events(chunk({"error": error}), DONE)
        case "in a choice":
            return as_json({"choices": [in_choice(error)]})
        case "in a message":
            return as_json({"choices": [{"message": {"error": error}}]})
        case "in a list":
            return as_json([{"error": error}])
        case "with a text behind it":
            return as_json(json.dumps({"error": error}).encode() + b" edge")
        case _:
            return as_json({"error": error})


WRAPPINGS = (
    *("JSON", "first event", "in a choice", "in a delta", "in a message", "in a list"),
    "with a text behind it",
)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status", "code"), CODES)
def test_the_code_is_the_same_from_json_and_from_a_stream(
    new_pair: NewPair, error: object, status: int, code: str, stream: bool, wrapping: str
) -> None:
    pair = new_pair("openai")
    pair.first.fails(wrapped(error, wrapping))
    answer = pair.ask(stream=stream, alone=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


ANTHROPIC_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
ANTHROPIC: dict[str, bytes] = {
    "an error as JSON": as_json(ANTHROPIC_ERROR),
    "an error of OpenAI's shape": as_json({"error": BUSY}),
    "code and message": as_json({"code": 500, "message": "no"}),
    "no content": as_json(message("", content=[], stop_reason=None, usage=None)),
    "content null": as_json(message("", content=None, stop_reason=None, usage=None)),
    "HTML": as_json(b"<html></html>", HTML),
    "an error as the first event": as_events(named(**ANTHROPIC_ERROR)),
    "an event of the name error": as_events(b'event: error\ndata: {"message": "busy"}\n\n'),
    "a text under the name error": as_events(b"event: error\ndata: busy\n\n"),
    "an error without a type": as_events({"error": BUSY}),
    "an error behind the start": as_events(
        named(type="message_start", message={"id": "m", "model": "m"}), named(**ANTHROPIC_ERROR)
    ),
    "nothing but the end": as_events(named(type="message_stop")),
    "not UTF-8": as_events(b'data: {"type":"message_start","message":{"id":"\xff"}}\n\n'),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", ANTHROPIC)
def test_what_is_no_message_of_anthropics_falls_over(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    pair = new_pair("anthropic")
    pair.first.fails(ANTHROPIC[case])
    answer = pair.ask(stream=stream)
    assert answer.status_code == 200, answer.text
    assert text_of(answer) == "from the second"
    assert (pair.first.calls, pair.second.calls) == (1, 1)
