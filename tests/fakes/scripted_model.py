"""A model that follows a script, in Anthropic's and OpenAI's words: asked a question it calls Bash,
given what Bash said it repeats that. So a coding agent can be watched at work without a model.

`uvicorn tests.fakes.scripted_model:app`. `GET /__asked` shows what was asked, oldest first.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOOL = "Bash"
_CACHED = ("system", "tools", "messages")
asked: list[dict[str, Any]] = []
_ids = itertools.count(1)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (kind := (await receive())["type"]) != "lifespan.shutdown":
            await send({"type": f"{kind}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    path: str = scope["path"]
    if path == "/__asked":
        await _answer(send, json.dumps(asked).encode())
        return
    body = await _body(receive)
    if path.endswith("/count_tokens"):
        await _answer(send, b'{"input_tokens": 4242}')
    elif path.endswith(("/messages", "/chat/completions")):
        await _complete(scope, body, send)
    else:
        await _answer(send, b'{"data": []}')


async def _complete(scope: Scope, body: bytes, send: Send) -> None:
    request = json.loads(body)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    path: str = scope["path"]
    query = scope["query_string"].decode()
    asked.append(
        {
            "path": path + (f"?{query}" if query else ""),
            "model": request.get("model"),
            "hashes": {name: _hash(body, name) for name in _CACHED if name in request},
            "headers": {n: v for n, v in headers.items() if n.startswith("anthropic-")},
            "body": request,
        }
    )
    speaks_messages = path.endswith("/messages")
    said, command = _next(request)
    if speaks_messages:
        events = _messages(request["model"], said, command)
    else:
        events = _chunks(request["model"], said, command)
    if not request.get("stream"):
        whole = _message if speaks_messages else _completion
        await _answer(send, json.dumps(whole(request["model"], said, command)).encode())
        return
    await _answer(send, b"".join(events), b"text/event-stream")


def _hash(body: bytes, name: str) -> str:
    """Of the field's own bytes, blanks and all: from its name to where its value ends."""
    text = body.decode()
    start = text.index(f'"{name}":') + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(text[start:].lstrip())
    return hashlib.sha256(text[start:].lstrip()[:end].encode()).hexdigest()


def _next(request: dict[str, Any]) -> tuple[str, str | None]:
    """What to say, or the command to run."""
    last = request["messages"][-1]
    results = list(_results(last))
    if results:
        return f"It said: {' '.join(results)}", None
    names = [one.get("name") or one.get("function", {}).get("name") for one in _tools(request)]
    if TOOL not in names:
        return "A title", None
    turn = sum(one["role"] == "assistant" for one in request["messages"]) // 2 + 1
    return "I look.", f"echo turn-{turn}-$((40 + {turn}))"


def _tools(request: dict[str, Any]) -> list[dict[str, Any]]:
    return request.get("tools") or []


def _results(message: dict[str, Any]) -> Iterator[str]:
    if message["role"] == "tool":
        yield str(message["content"])
    if isinstance(message["content"], list):
        for part in message["content"]:
            if part.get("type") == "tool_result":
                content = part.get("content", "")
                yield content if isinstance(content, str) else content[0].get("text", "")


def _message(model: str, said: str, command: str | None) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": said}]
    if command:
        given = {"command": command, "description": "Look"}
        content.append(
            {"type": "tool_use", "id": f"toolu_{next(_ids)}", "name": TOOL, "input": given}
        )
    return {
        "id": f"msg_{next(_ids)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if command else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 20},
    }


def _messages(model: str, said: str, command: str | None) -> list[bytes]:
    whole = _message(model, said, command)
    start = {**whole, "content": [], "stop_reason": None}
    events = [("message_start", {"message": start})]
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events += [
            ("content_block_start", {"index": index, "content_block": empty}),
            ("content_block_delta", {"index": index, "delta": delta}),
            ("content_block_stop", {"index": index}),
        ]
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [
        ("message_delta", {"delta": end, "usage": {"output_tokens": 20}}),
        ("message_stop", {}),
    ]
    return [
        f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
        for name, data in events
    ]


def _completion(model: str, said: str, command: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if command:
        function = {"name": TOOL, "arguments": json.dumps({"command": command})}
        message["tool_calls"] = [
            {"id": f"call_{next(_ids)}", "type": "function", "function": function}
        ]
    reason = "tool_calls" if command else "stop"
    return {
        "id": f"chatcmpl-{next(_ids)}",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def _chunks(model: str, said: str, command: str | None) -> list[bytes]:
    whole = _completion(model, said, command)
    [choice], usage = whole.pop("choices"), whole.pop("usage")
    delta = choice["message"]
    for place, call in enumerate(delta.get("tool_calls", ())):
        call["index"] = place
    head = {**whole, "object": "chat.completion.chunk"}
    choices = [
        [{"index": 0, "delta": delta, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}],
    ]
    chunks: list[dict[str, Any]] = [{**head, "choices": one} for one in choices]
    chunks.append({**head, "choices": [], "usage": usage})
    return [*(f"data: {json.dumps(one)}\n\n".encode() for one in chunks), b"data: [DONE]\n\n"]


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answer(send: Send, body: bytes, content_type: bytes = b"application/json") -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
