"""A provider that gives back the headers it was sent wherever an answer has room for text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.fakes.raw_server import RawServer, Wire

STATUSES = (400, 402, 404, 413, 422, 429, 500, 503)


class EchoingProvider(RawServer):
    """Use as `with`. A prompt with `way=(html)` is answered so, by WAYS; all else by `way`."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.way = "ok"

    async def _answer(self, wire: Wire) -> None:
        request = await wire.request()
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        wanted = re.search(rb"way=\(([^)]*)\)", body)
        way = wanted[1].decode() if wanted else self.way
        stream = re.search(rb'"stream":\s*true', body) is not None
        await wire.send(WAYS[way](Asked(first, "; ".join(lines), stream)))


class Asked:
    """What was asked: `echo` has all its headers."""

    def __init__(self, first: str, echo: str, stream: bool) -> None:
        self.path = first.split(" ")[1]
        self.echo = echo
        self.stream = stream

    def headers(self) -> str:
        names = ("x-request-id", "request-id", "openai-organization", "x-ratelimit-reset-requests")
        return "".join(f"{name}: {self.echo}\r\n" for name in names)

    def error(self) -> dict[str, object]:
        return {
            "type": "error",
            "error": dict.fromkeys(("message", "type", "code", "param", "status"), self.echo),
            "message": self.echo,
        }


def _answer(asked: Asked, status: str, body: str, kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\n{asked.headers()}content-type: {kind}\r\n"
        f"connection: close\r\ncontent-length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


def _refuses(status: int) -> Callable[[Asked], bytes]:
    def answer(asked: Asked) -> bytes:
        return _answer(asked, f"{status} {asked.echo}", json.dumps(asked.error()))

    return answer


def _ok(asked: Asked) -> bytes:
    if asked.path.endswith("/models"):
        return _answer(asked, "200 OK", json.dumps({"object": "list", "data": []}))
    if asked.path.endswith("/messages"):
        return _answer(asked, "200 OK", json.dumps(_MESSAGE))
    return _answer(asked, "200 OK", json.dumps(_COMPLETION))


def _stream(*events: str) -> bytes:
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    return (head + "".join(f"data: {event}\n\n" for event in events)).encode()


def _fails_in_the_stream(asked: Asked) -> bytes:
    if not asked.stream:
        return _answer(asked, "200 OK", json.dumps(asked.error()))
    return _stream(json.dumps(_CHUNK), json.dumps(asked.error()))


def _ends_early(asked: Asked) -> bytes:
    head = f"HTTP/1.1 200 OK\r\n{asked.headers()}content-type: application/json\r\n"
    return f"{head}content-length: 100000\r\n\r\n{json.dumps(asked.error())}".encode()


_COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "gpt",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 4, "completion_tokens": 1, "total_tokens": 5},
}
_CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1790000000,
    "model": "gpt",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}],
}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 4, "output_tokens": 1},
}

WAYS: dict[str, Callable[[Asked], bytes]] = {
    "ok": _ok,
    **{f"status {status}": _refuses(status) for status in STATUSES},
    "html": lambda asked: _answer(asked, "502 Bad Gateway", f"<p>{asked.echo}</p>", "text/html"),
    "redirect": lambda asked: _answer(asked, f"302 Found\r\nlocation: /{asked.echo}", ""),
    "no JSON": lambda asked: _answer(asked, "200 OK", asked.echo),
    "no HTTP": lambda asked: f"{asked.echo}\r\n\r\n".encode(),
    "bad status": lambda asked: f"HTTP/1.1 {asked.echo}\r\n\r\n".encode(),
    "bad header": lambda asked: f"HTTP/1.1 200 OK\r\nx {asked.echo}\r\n\r\n".encode(),
    "bad length": lambda asked: f"HTTP/1.1 200 OK\r\ncontent-length: {asked.echo}\r\n\r\n".encode(),
    "bad chunk": lambda asked: (
        f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{asked.echo}\r\n".encode()
    ),
    "error in the stream": _fails_in_the_stream,
    "ends early": _ends_early,
    # These say that the key is no good, so it may not be sent again.
    "status 403": _refuses(403),
    "status 401": _refuses(401),
}
