"""Providers that answer what a test tells them, byte for byte, and a gateway before them.

Each test has a pair of its own: what the first does wrong opens no circuit for another test.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
from psycopg.types.json import Jsonb

from tests.fakes.gateway import PATH, USER
from tests.fakes.raw_server import RawServer, Wire

PAUSE_S = 0.3
WINDOW = 100_000
KINDS = {
    "openai": ("openai", WINDOW, 600),
    "anthropic": ("anthropic", WINDOW, 120),
    "no window": ("openai", None, 10),
}
"""What pairs there are: of which dialect the first is, the window that is known of it, and how
many."""
HELLO = [{"role": "user", "content": "hello there"}]
COST = 0.0002
"""What USAGE costs."""

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
DONE = b"data: [DONE]\n\n"

_FIRST_BYTES = b"HTTP/1.1 200 OK\r\n"


class Told:
    """One provider of a pair. `calls` counts what it was asked for, and so what may be billed;
    `answers` those calls that it answered, and so what is billed.

    `later` follows an answer after PAUSE_S, when what came before has been relayed.
    """

    def __init__(self) -> None:
        self.to_json = b""
        self.to_stream = b""
        self.later = b""
        self.calls = 0
        self.answers = 0
        self._is_answer = True

    def says(self, answer: bytes, to_stream: bytes | None = None) -> None:
        """To every request an answer, which is paid for; `to_stream` to those for a stream."""
        self.to_json = answer
        self.to_stream = answer if to_stream is None else to_stream
        self._is_answer = True

    def fails(self, answer: bytes) -> None:
        """To every request something that is no answer, or only half of one."""
        self.says(answer)
        self._is_answer = False

    def count(self) -> None:
        """One call more."""
        self.calls += 1
        self.answers += self._is_answer


class Pair:
    """`first` is asked before `second`; both have one model, 1 USD a million tokens in, 5 out."""

    def __init__(self, url: str, slugs: tuple[str, str], first: Told, second: Told) -> None:
        self.first, self.second = first, second
        self._url = url
        self._models = [f"{slug}/m" for slug in slugs]

    def ask(self, *, stream: bool, alone: bool = False, **body: Any) -> httpx.Response:
        """A completion; `alone`: the second is no choice."""
        models = self._models[:1] if alone else self._models
        options = {"stream_options": {"include_usage": True}} if stream else {}
        whole = {"models": models, "messages": HELLO, "stream": stream, **options, **body}
        return self.post(PATH, whole)

    def ask_at(self, path: str, *, stream: bool, **body: Any) -> httpx.Response:
        """A request of another door, with its own fields."""
        return self.post(path, {"models": self._models, "stream": stream, **body})

    def post(self, path: str, body: Any) -> httpx.Response:
        return httpx.post(self._url + path, json=body, headers=USER, timeout=20, trust_env=False)


NewPair = Callable[[str], Pair]
"""The fixture `new_pair`: a pair nobody has asked yet, of the kind that it is given."""


class ToldProviders:
    """All the pairs, of each kind. Use `next_pair`. `told` is each provider by its slug."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self._server = RawServer(self._answer)
        self._numbers = {kind: itertools.count() for kind in KINDS}
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[ToldProviders]:
        with self._server as server:
            self.url = server.url
            yield self

    def add_to(self, database_url: str) -> None:
        """Add them to a catalog."""
        tier = {"start_tokens": 0, "input": "1", "output": "5", "cached": "0.1"}
        with psycopg.connect(database_url, autocommit=True) as connection:
            pairs = [(kind, number) for kind in KINDS for number in range(KINDS[kind][2])]
            for (kind, number), place in itertools.product(pairs, ("first", "second")):
                slug = _slug(kind, number, place)
                dialect, window, _ = KINDS[kind]
                # What falls over speaks OpenAI's wire: then a mixture is tested too.
                speaks = dialect if place == "first" else "openai"
                connection.execute(
                    "WITH provider AS (INSERT INTO llm_providers (provider_name, provider_slug,"
                    " base_url, dialect, auth_type, is_local) VALUES (%s, %s, %s, %s, 'none', true)"
                    " RETURNING id), model AS (INSERT INTO llm_models (provider_id, model_name,"
                    " model_id, context_window) SELECT id, 'm', 'm', %s FROM provider RETURNING id)"
                    " INSERT INTO model_prices (model_id, version, valid_from, source, checked_at,"
                    " prices) SELECT id, 1, now(), 'test', now(), %s FROM model",
                    [slug, slug, f"{self.url}/{slug}/v1", speaks, window, Jsonb({"tiers": [tier]})],
                )

    def next_pair(self, url: str, kind: str) -> Pair:
        number = next(self._numbers[kind])
        slugs = _slug(kind, number, "first"), _slug(kind, number, "second")
        first, second = Told(), Told()
        self.told |= zip(slugs, (first, second), strict=True)
        second.says(as_json(completion("from the second")), as_events(*chunks("from the second")))
        return Pair(url, slugs, first, second)

    async def _answer(self, wire: Wire) -> None:
        request = await wire.request()
        told = self.told[request.split(b"/", 2)[1].decode()]
        told.count()
        await wire.send(told.to_stream if b'"stream":true' in request else told.to_json)
        if told.later:
            await asyncio.sleep(PAUSE_S)
            await wire.send(told.later)


def _slug(kind: str, number: int, place: str) -> str:
    return f"told-{kind.replace(' ', '-')}-{number}-{place}"


def as_json(body: object, head: bytes = b"content-type: application/json\r\n") -> bytes:
    """An answer that ends with its connection."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"%b%bconnection: close\r\n\r\n%b" % (_FIRST_BYTES, head, data)


def as_events(*events: object, head: bytes = b"content-type: text/event-stream\r\n") -> bytes:
    """A stream; an event that is bytes goes out as it is."""
    return b"%b%bconnection: close\r\n\r\n%b" % (_FIRST_BYTES, head, event_bytes(*events))


def event_bytes(*events: object) -> bytes:
    return b"".join(
        one if isinstance(one, bytes) else b"data: %b\n\n" % json.dumps(one).encode()
        for one in events
    )


def completion(text: str, usage: object = USAGE, **more: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return {**whole, "choices": [choice], "usage": usage, **more}


def chunk(delta: Mapping[str, object], reason: object = None, **more: object) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**whole, "choices": [choice], **more}


def chunks(text: str, usage: object = USAGE) -> list[object]:
    """A whole stream in OpenAI's wire."""
    usage_chunk = {**chunk({}), "choices": [], "usage": usage}
    return [chunk({"role": "assistant", "content": text}), chunk({}, "stop"), usage_chunk, DONE]


ANTHROPIC_USAGE = {"input_tokens": 100, "output_tokens": 20}


def message(text: str, **more: object) -> dict[str, Any]:
    whole = {"id": "msg", "type": "message", "role": "assistant", "model": "m"}
    content = [{"type": "text", "text": text}]
    return {
        **whole,
        "content": content,
        "stop_reason": "end_turn",
        "usage": ANTHROPIC_USAGE,
        **more,
    }


def named(**fields: object) -> bytes:
    """An event of Anthropic's wire."""
    data = json.dumps(fields)
    return f"event: {fields['type']}\ndata: {data}\n\n".encode()


def message_events(
    *texts: str, start: object = None, end: object = None, reason: object = "end_turn"
) -> list[object]:
    """A whole stream in Anthropic's wire; `start` and `end` are the usages."""
    begun = {"id": "msg", "type": "message", "model": "m", "content": []}
    begun["usage"] = {"input_tokens": 100, "output_tokens": 1} if start is None else start
    block = {"type": "text", "text": ""}
    deltas = [
        named(type="content_block_delta", index=0, delta={"type": "text_delta", "text": text})
        for text in texts
    ]
    usage = {"output_tokens": 20} if end is None else end
    return [
        named(type="message_start", message=begun),
        named(type="content_block_start", index=0, content_block=block),
        *deltas,
        named(type="content_block_stop", index=0),
        named(type="message_delta", delta={"stop_reason": reason}, usage=usage),
        named(type="message_stop"),
    ]


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The data of each event that a client got, without [DONE]."""
    lines = [one.removeprefix("data: ") for one in answer.text.split("\n\n")]
    return [json.loads(one) for one in lines if one.startswith("{")]


def text_of(answer: httpx.Response) -> str:
    """What a client reads of an answer, JSON or a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        choices = [one for event in events_of(answer) for one in event.get("choices") or ()]
        return "".join((choice.get("delta") or {}).get("content") or "" for choice in choices)
    return answer.json()["choices"][0]["message"]["content"]


def metadata_of(answer: httpx.Response) -> dict[str, Any]:
    if answer.headers["content-type"].startswith("text/event-stream"):
        (found,) = [event["_metadata"] for event in events_of(answer) if "_metadata" in event]
        return found
    return answer.json()["_metadata"]
