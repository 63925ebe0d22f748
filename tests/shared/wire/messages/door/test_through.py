"""Bytes through: what Claude's own servers get is what the caller sent."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.wire.dialect import dialect_of
from shared.wire.messages.door.over import over
from shared.wire.messages.door.request import decode_messages
from shared.wire.messages.door.through_events import ThroughReader
from shared.wire.messages.door.whole_stream import WholeMessage, gather
from shared.wire.messages.events import StreamReader
from shared.wire.parse.sse import END, event_data
from shared.wire.request_headers import with_lines
from shared.wire.translated import Sending

RECORDED = Path(__file__).parents[4] / "recorded" / "anthropic"
STREAMS = {path.stem: path.read_bytes() for path in sorted(RECORDED.glob("*.sse"))}
WHOLE = [name for name, data in STREAMS.items() if b"message_stop" in data]
ANSWERS = {path.stem: path for path in sorted(RECORDED.glob("*.json"))}
METADATA = b'{"provider_used":"anthropic"}'
MODEL = "claude-opus-5-5"

SYSTEM = b'[ {"type":"text", "text":"Be \\u00e9 brief", "cache_control":{"type":"ephemeral"}} ]'
MESSAGES = (
    b'[{"role":"user","content":[{"cache_control": {"type":"ephemeral","ttl":"1h"},"type":"text",'
    b'"text":"hi"}]}, {"role":"assistant","content":[{"type":"thinking","thinking":"hm",'
    b'"signature":"c2ln"},{"type":"text","text":"ok"}]},{"role":"user","content":"go"}]'
)
TOOLS = b'[{"type":"web_search_20250305","name":"web_search", "max_uses":2}]'
BODY = (
    b'{"model":"claude","system":%b,"tools":%b,"messages":%b,"thinking":{"type":"adaptive"},'
    b'"context_management":{"edits":[]},"power_level":"precision","max_tokens":9}'
) % (SYSTEM, TOOLS, MESSAGES)
BETAS = {b"anthropic-beta": b"a-1,b-2", b"anthropic-version": b"2026-10-21"}


def written(body: bytes, headers: dict[bytes, bytes] | None = None, **to: Any) -> Any:
    request = decode_messages(body, headers or {})
    dialect = over(dialect_of("anthropic", "anthropic", "x-api-key"), request)
    return dialect.request(request, Sending(MODEL, **to))


def test_system_tools_and_messages_go_out_byte_for_byte() -> None:
    fields = msgspec.json.decode(written(BODY).body, type=dict[str, msgspec.Raw])
    assert bytes(fields["system"]) == SYSTEM
    assert bytes(fields["tools"]) == TOOLS
    assert bytes(fields["messages"]) == MESSAGES
    assert bytes(fields["model"]) == b'"claude-opus-5-5"'
    assert fields.keys() == {
        *("model", "system", "tools", "messages", "thinking", "context_management", "max_tokens")
    }


def test_version_and_betas_take_the_place_of_our_own() -> None:
    ours = b"x-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
    assert with_lines(ours, written(BODY, BETAS).head) == (
        b"x-api-key: k\r\nanthropic-version: 2026-10-21\r\nanthropic-beta: a-1,b-2\r\n"
    )
    assert written(BODY, {b"anthropic-beta": b"a\r\nx-api-key: other"}).head == b""


def test_thoughts_without_a_signature_go_to_nobody() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "ok"}]}
    turns = [{"role": "user", "content": "hi"}, said, {"role": "user", "content": "go"}]
    out = written(json.dumps({"messages": turns, "max_tokens": 9}).encode())
    assert json.loads(out.body)["messages"][1]["content"] == [{"type": "text", "text": "ok"}]
    assert out.dropped == ("messages[1].content[0]",)


def test_of_a_model_that_nobody_named_sampling_it_does_not_take_is_left_out() -> None:
    body = b'{"messages":[{"role":"user","content":"hi"}],"temperature":0.5,"max_tokens":999999999}'
    named, chosen = written(body), written(body, is_named=False)
    assert json.loads(named.body)["temperature"] == 0.5
    assert "temperature" not in json.loads(chosen.body)
    assert set(chosen.dropped) == {"temperature", "max_tokens"}


def test_max_tokens_is_filled_in_where_it_is_missing() -> None:
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    assert json.loads(written(body, max_tokens=77).body)["max_tokens"] == 77
    assert json.loads(written(body).body)["max_tokens"] == 128_000


def relayed(data: bytes, places: list[int]) -> tuple[bytes, ThroughReader]:
    reader = ThroughReader(created=1)
    cuts = [0, *places, len(data)]
    out = b"".join(reader.feed(data[start:end]) for start, end in itertools.pairwise(cuts))
    out += reader.close()
    return out + (b"" if reader.has_error else reader.end(METADATA)), reader


def events(data: bytes) -> list[Any]:
    found = [event_data(one) for one in data.split(END)]
    return [json.loads(one) for one in found if one]


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_cut_at_every_byte_is_relayed_whole_and_counted(name: str) -> None:
    data = STREAMS[name]
    reads = StreamReader(show_usage=True, created=1)
    reads.feed(data)
    given = events(data)
    for cut in range(0, len(data), max(1, len(data) // 400)):
        out, reader = relayed(data, [cut])
        got = events(out)
        assert [one for one in got if one["type"] == "message_delta"][-1].pop("_metadata") == {
            "provider_used": "anthropic"
        }
        assert got == given
        assert (reader.counts, reader.model) == (reads.counts, reads.model)
        assert reader.delivered_tokens() == reads.delivered_tokens()
        assert out.count(b"event: ") == len(got)


@pytest.mark.parametrize("name", [one for one in STREAMS if one.startswith("overloaded")])
def test_an_error_is_told_and_not_relayed(name: str) -> None:
    out, reader = relayed(STREAMS[name], [])
    assert reader.error is not None
    assert b"event: error" not in out


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_gathered_and_streamed_again_is_the_same_message(name: str) -> None:
    message = gather(STREAMS[name])
    dialect = over(dialect_of("anthropic", "anthropic", "x-api-key"), decode_messages(BODY, {}))
    whole = WholeMessage(dialect.reply(message, created=1), show_usage=True)
    again = json.loads(gather(whole.first() + whole.end(METADATA)))
    assert again == json.loads(message)
