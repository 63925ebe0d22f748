"""The completions Lambda behind its adapter, and the provider that it asks."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.fakes.lambda_events import request
from tests.fakes.raw_server import Wire
from tests.fakes.runtime_api import Answer, RuntimeApi
from tests.fakes.web_adapter import WebAdapter

MODEL = "openai/gpt-6.1-terra"
FIRST, SECOND = b"The first words", b" and the last."


class Chat:
    def __init__(self, api: RuntimeApi, adapter: WebAdapter, token: str) -> None:
        self.api, self.adapter, self._token = api, adapter, token

    def ask(self, *, stream: bool = True, model: str = MODEL, token: str | None = None) -> Answer:
        body = {
            "model": model,
            "stream": stream,
            "messages": [{"role": "user", "content": "Say something"}],
        }
        bearer = f"Bearer {token or self._token}"
        headers = {"authorization": bearer, "content-type": "application/json"}
        return self.api.invoke(
            request(
                "function_url",
                "/v1/chat/completions",
                method="POST",
                headers=headers,
                body=json.dumps(body),
            )
        )


StartChat = Callable[..., Chat]
"""The fixture `start_chat`; it is given variables."""


async def streams(wire: Wire) -> None:
    """A provider that says half, and the rest when the test opens the gate; or all at once."""
    while True:
        if b'"stream":true' not in (await wire.request()).replace(b" ", b""):
            await wire.send(_WHOLE)
            continue
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        await wire.send(head + b"transfer-encoding: chunked\r\n\r\n" + _chunk(_delta(FIRST)))
        await wire.gate("rest")
        last = _event(b'{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop"}]}')
        usage = b'{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}'
        last += _event(b'{"id":"c","model":"m","choices":[],"usage":%b}' % usage)
        await wire.send(_chunk(_delta(SECOND) + last + _event(b"[DONE]")) + _chunk(b""))


def _event(content: bytes) -> bytes:
    return b"data: " + content + b"\n\n"


def _delta(text: bytes) -> bytes:
    return _event(b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}' % text)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "All of it."},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
).encode()
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_ANSWER),
    _ANSWER,
)
