"""An answer as its provider streams it, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.wire.pairs.beginnings import CUT, Answer


def completion(message: Answer, finish: str) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return _json(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
        | {"choices": [choice]}
    )


def chunks(message: Answer, finish: str) -> bytes:
    """Texts in two pieces, calls as name and then arguments; anything else in one chunk."""
    deltas: list[Answer] = [{"role": "assistant"}]
    for name, value in message.items():
        if name == "tool_calls":
            deltas += _call_deltas(value)
        elif name != "role":
            deltas += [{name: half} for half in _halves(value)]
    events = [_chunk(delta, None) for delta in deltas] + [_chunk({}, finish)]
    return b"".join(b"data: %b\n\n" % event for event in [*events, b"[DONE]"])


def message(blocks: list[Answer], stop: str) -> bytes:
    return _json({**_head(), "content": blocks, "stop_reason": stop})


def events(blocks: list[Answer], stop: str, *, is_cut: bool) -> bytes:
    """`is_cut`: the input of a call ends in the middle, as where max_tokens ran out."""
    out: list[Answer] = [{"type": "message_start", "message": {**_head(), "content": []}}]
    for index, block in enumerate(blocks):
        out += [{"index": index, **event} for event in _block_events(block, is_cut=is_cut)]
    usage = {"output_tokens": 9}
    out.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage})
    out.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), _json(e)) for e in out)


def _call_deltas(calls: list[Answer]) -> Iterator[Answer]:
    for index, call in enumerate(calls):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{**call, "index": index, "function": function}]}
        for half in _halves(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": half}}]}


def _block_events(block: Answer, *, is_cut: bool) -> Iterator[Answer]:
    kind, start, delta = block["type"], "content_block_start", "content_block_delta"
    if kind == "text":
        yield {"type": start, "content_block": {"type": kind, "text": ""}}
        for half in _halves(block["text"]):
            yield {"type": delta, "delta": {"type": "text_delta", "text": half}}
    elif kind == "thinking":
        yield {"type": start, "content_block": {"type": kind, "thinking": "", "signature": ""}}
        for half in _halves(block["thinking"]):
            yield {"type": delta, "delta": {"type": "thinking_delta", "thinking": half}}
        signed = {"type": "signature_delta", "signature": block["signature"]}
        yield {"type": delta, "delta": signed}
    elif kind == "tool_use":
        yield {"type": start, "content_block": {**block, "input": {}}}
        for half in _halves(CUT if is_cut else json.dumps(block["input"])):
            yield {"type": delta, "delta": {"type": "input_json_delta", "partial_json": half}}
    else:
        yield {"type": start, "content_block": block}
    yield {"type": "content_block_stop"}


def _halves(value: object) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    return [value[: len(value) // 2], value[len(value) // 2 :]]


def _head() -> Answer:
    usage = {"input_tokens": 9, "output_tokens": 9}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "usage": usage}


def _chunk(delta: Answer, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return _json({**head, "choices": [choice]})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
