"""What a client keeps of an answer, to send it back: whatever the gateway relayed."""

from __future__ import annotations

import json
from typing import Any

from shared.wire.dialect import Dialect, dialect_of
from shared.wire.provider import Auth
from tests.fakes.strict.providers import STRICT
from tests.wire.pairs import streams
from tests.wire.pairs.beginnings import Answer, chat_answer, messages_answer


def dialect(slug: str) -> Dialect:
    return dialect_of(STRICT[slug].dialect, slug, Auth.BEARER)


def kept(slug: str, kind: str, *, streamed: bool) -> Answer:
    """The assistant's message in the client's history, of this provider's answer."""
    if STRICT[slug].dialect == "openai":
        body = (streams.chunks if streamed else streams.completion)(*chat_answer(slug, kind))
    elif streamed:
        body = streams.events(*messages_answer(slug, kind), is_cut=kind == "cut")
    else:
        body = streams.message(*messages_answer(slug, kind))
    if not streamed:
        whole = json.loads(dialect(slug).reply(body, created=1).body)
        return whole["choices"][0]["message"]
    reader = dialect(slug).reader(show_usage=False, created=1)
    return _joined(reader.feed(body) + reader.end(b"{}"))


def _joined(out: bytes) -> Answer:
    message: Answer = {}
    for line in out.splitlines():
        if line.startswith(b"data: {"):
            for choice in json.loads(line.removeprefix(b"data: ")).get("choices", ()):
                _add(message, choice["delta"])
    return message


def _add(message: Answer, delta: Answer) -> None:
    """Texts and lists grow, calls by their index; the index stays, as in many a client."""
    for name, value in delta.items():
        if name == "tool_calls":
            for place, call in enumerate(value):
                _add_call(message.setdefault("tool_calls", []), call.get("index", place), call)
        elif isinstance(value, str | list) and isinstance(message.get(name), type(value)):
            grown: Any = message[name] + value
            message[name] = "assistant" if name == "role" else grown
        else:
            message[name] = value


def _add_call(calls: list[Answer], index: int, piece: Answer) -> None:
    while len(calls) <= index:
        calls.append({"function": {"name": "", "arguments": ""}})
    for name, value in piece.get("function", {}).items():
        calls[index]["function"][name] += value
    calls[index].update({name: value for name, value in piece.items() if name != "function"})
