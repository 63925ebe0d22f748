"""Bodies and SSE events as OpenAI's Responses API writes them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from functions.simulated_provider.answer import Answer, Call
from functions.simulated_provider.responses_request import Asked

Fields = dict[str, Any]
_encode = msgspec.json.encode


def usage(answer: Answer) -> Fields:
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def response(asked: Asked, answer: Answer) -> Fields:
    """The whole answer."""
    is_cut = answer.finish_reason == "length"
    return {
        **_begun(asked),
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "output": _items(answer),
        "usage": usage(answer),
    }


def events(whole: Fields, answer: Answer) -> list[bytes]:
    """Every SSE event of a response, each with its number."""
    begun: Fields = {**whole, "status": "in_progress", "output": [], "usage": None}
    said: list[tuple[str, Fields]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
    ]
    for place, item in enumerate(whole["output"]):
        said += _item_events(item, place, answer)
    said.append((whole["status"], {"response": whole}))
    return [
        b"event: response.%b\ndata: %b\n\n"
        % (
            name.encode(),
            _encode({"type": f"response.{name}", "sequence_number": number, **fields}),
        )
        for number, (name, fields) in enumerate(said)
    ]


def deleted(response_id: str) -> bytes:
    return _encode({"id": response_id, "object": "response", "deleted": True})


def _begun(asked: Asked) -> Fields:
    return {
        "id": f"resp_sim{secrets.token_hex(20)}",
        "object": "response",
        "created_at": int(time.time()),
        "error": None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_tokens,
        "metadata": {},
        "model": asked.model,
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "store": asked.is_stored,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }


def _items(answer: Answer) -> list[Fields]:
    if answer.calls:
        return [_call(call) for call in answer.calls]
    text: Fields = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    return [
        {
            "id": f"msg_sim{secrets.token_hex(20)}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
    ]


def _call(call: Call) -> Fields:
    return {
        "id": f"fc_sim{secrets.token_hex(20)}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_sim_{secrets.token_hex(8)}",
        "name": call.name,
        "arguments": call.arguments,
    }


def _item_events(item: Fields, place: int, answer: Answer) -> Iterator[tuple[str, Fields]]:
    at: Fields = {"item_id": item["id"], "output_index": place}
    is_call = item["type"] == "function_call"
    start: Fields = {
        **item,
        "status": "in_progress",
        **({"arguments": ""} if is_call else {"content": []}),
    }
    yield "output_item.added", {"output_index": place, "item": start}
    if is_call:
        for piece in answer.calls[place].pieces:
            yield "function_call_arguments.delta", {**at, "delta": piece}
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield "function_call_arguments.done", {**at, **done}
    else:
        at["content_index"] = 0
        part = item["content"][0]
        yield "content_part.added", {**at, "part": {**part, "text": ""}}
        for piece in answer.pieces:
            yield "output_text.delta", {**at, "delta": piece, "logprobs": []}
        yield "output_text.done", {**at, "text": answer.text, "logprobs": []}
        yield "content_part.done", {**at, "part": part}
    yield "output_item.done", {"output_index": place, "item": item}
