"""Streams of chat told as responses, and what must hold of all of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from shared.wire.dialect import Dialect, dialect_of
from shared.wire.parse.sse import DONE, END, data_event, event_data, event_name
from shared.wire.responses.held import Ids
from shared.wire.responses.over import over
from shared.wire.responses.request import ResponsesRequest, decode_responses

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
METADATA = b'{"provider_used":"openai"}'
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


class Plain:
    """Seals nothing: what it is given can be read in what it gives."""

    def seal(self, plain: bytes) -> str:
        return base64.urlsafe_b64encode(plain).decode()

    def open(self, sealed: str) -> bytes | None:
        try:
            return base64.urlsafe_b64decode(sealed)
        except ValueError:
            return None


IDS = Ids(Plain())


def request(**body: Any) -> ResponsesRequest:
    return decode_responses(json.dumps({"input": "hi", **body}).encode(), {}, ids=IDS)


def chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {
        "id": "chatcmpl-9",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [choice],
    }


def call(index: int, arguments: str, name: str | None = None) -> dict[str, Any]:
    begun = {"id": f"call_{index}", "type": "function"} if name else {}
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return chunk(tool_calls=[{"index": index, **begun, "function": function}])


def streamed(*chunks: Any, reason: str = "stop", usage: Any = USAGE) -> bytes:
    last: list[Any] = [chunk(reason), {**chunk(), "choices": [], "usage": usage}]
    return b"".join(data_event(json.dumps(one).encode()) for one in [*chunks, *last]) + DONE


def by_chat(slug: str = "openai") -> Dialect:
    """How a provider is spoken to that knows no Responses."""
    return msgspec.structs.replace(dialect_of("openai", slug, "bearer"), speaks_responses=False)


def translated(
    data: bytes, asked: ResponsesRequest | None = None, size: int = 1 << 20, slug: str = "openai"
) -> list[Any]:
    dialect = over(by_chat(slug), asked or request(), ids=IDS)
    reader = dialect.reader(show_usage=True, created=1)
    out = b"".join(reader.feed(data[at : at + size]) for at in range(0, len(data), size))
    out += reader.close()
    if not reader.has_error:
        out += reader.end(METADATA)
    return events_in(out)


def events_in(out: bytes) -> list[Any]:
    found: list[Any] = []
    for event in out.split(END):
        data = event_data(event)
        if data is not None:
            found.append(json.loads(data))
            assert event_name(event) == found[-1]["type"]
    return found


def check_well_formed(events: list[Any]) -> Any:
    """What OpenAI's SDK takes, each in its turn, and each text what its pieces come to.

    Returns the response.
    """
    for number, one in enumerate(events):
        assert one["sequence_number"] == number
        EVENT.validate_python(one)
    assert [one["type"] for one in events[:2]] == ["response.created", "response.in_progress"]
    response = events[-1]["response"]
    assert events[-1]["type"] == f"response.{response['status']}"
    done: list[Any] = []
    open_item: Any = None
    said = ""
    for one in events[2:-1]:
        kind = one["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert open_item is None
            open_item, said = one["item"], ""
            assert one["output_index"] == len(done)
            continue
        assert open_item is not None
        assert one["output_index"] == len(done)
        if kind == "output_item.done":
            assert one["item"]["id"] == open_item["id"]
            done.append(one["item"])
            open_item = None
            continue
        assert one["item_id"] == open_item["id"]
        if kind.endswith(".delta"):
            said += one["delta"]
        elif kind.endswith(".done") and "part" not in kind:
            whole = next(one[n] for n in ("text", "refusal", "arguments", "input") if n in one)
            # Halves of a pair come by themselves where a provider cut between them.
            assert whole == said.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert open_item is None
    assert response["output"] == done
    Response.model_validate(response)
    return response
