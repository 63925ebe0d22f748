"""A stream whose provider knows no limit ends at the ceiling, with `length`, in each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from shared.ledger.record import UsageFinal
from shared.limits.quotes import Quote, digest_of
from shared.wire.chat.events import StreamReader as ChatReader
from shared.wire.dialect import OpenReading
from shared.wire.messages.door.chat_events import ChatAsMessage
from shared.wire.messages.door.through_events import ThroughReader
from shared.wire.messages.events import StreamReader as MessagesReader
from shared.wire.parse.capped import SLACK_TOKENS, Capped
from shared.wire.tokens.text import count_text
from tests.fakes.usage_records import final

MOST = 40
WORD = "and another word "


def chat_events(pieces: list[str]) -> bytes:
    return b"".join(
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"content":%b},"finish_reason":null}]}\n\n'
        % json.dumps(piece).encode()
        for piece in pieces
    )


def message_events(pieces: list[str]) -> bytes:
    def event(name: str, **fields: object) -> bytes:
        return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()

    message = {"id": "m1", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}
    block = {"type": "text", "text": ""}
    out = event("message_start", message=message)
    out += event("content_block_start", index=0, content_block=block)
    for piece in pieces:
        delta = {"type": "text_delta", "text": piece}
        out += event("content_block_delta", index=0, delta=delta)
    return out


def messages_as_message() -> OpenReading:
    return ChatAsMessage(MessagesReader(show_usage=False, created=1), 3)


READERS: dict[str, tuple[Callable[[], OpenReading], Callable[[list[str]], bytes], bytes]] = {
    "chat": (partial(ChatReader, show_usage=False), chat_events, b'"finish_reason":"length"'),
    "messages as chat": (
        partial(MessagesReader, show_usage=False, created=1),
        message_events,
        b'"finish_reason":"length"',
    ),
    "chat as messages": (
        lambda: ChatAsMessage(ChatReader(show_usage=False), 3),
        chat_events,
        b'"stop_reason":"max_tokens"',
    ),
    "messages": (partial(ThroughReader, created=1), message_events, b'"stop_reason":"max_tokens"'),
    "messages, told twice": (messages_as_message, message_events, b'"stop_reason":"max_tokens"'),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("read_bytes", [7, 200, 10**6])
def test_it_ends_within_sixteen_tokens_however_it_comes(name: str, read_bytes: int) -> None:
    opened, events, reason = READERS[name]
    reader = Capped(opened(), MOST)
    data = events([WORD] * 200)
    out = b"".join(
        reader.feed(data[at : at + read_bytes]) for at in range(0, len(data), read_bytes)
    )
    assert reader.is_done
    assert reader.is_finished
    said = out.count(WORD.encode())
    tokens = count_text(WORD * said)
    assert MOST - 8 <= tokens <= MOST + SLACK_TOKENS + 1
    assert reader.delivered_tokens() <= MOST + SLACK_TOKENS
    assert reason in reader.end(b"null").replace(b'": "', b'":"')


def test_one_piece_that_is_too_long_is_not_let_through() -> None:
    reader = Capped(ChatReader(show_usage=False), MOST)
    assert WORD.encode() not in reader.feed(chat_events([WORD * 100]))
    assert reader.delivered_tokens() == 0


def test_a_stream_that_keeps_its_limit_is_as_it_was() -> None:
    data = chat_events([WORD] * 5) + b"data: [DONE]\n\n"
    plain, capped = ChatReader(show_usage=False), Capped(ChatReader(show_usage=False), MOST)
    assert capped.feed(data) == plain.feed(data)
    assert capped.end(b"{}") == plain.end(b"{}")
    assert capped.delivered_tokens() == plain.delivered_tokens()


def test_what_a_request_costs_above_its_quote_is_not_charged() -> None:
    quote = Quote("q", "u", b"", "chat", 1000)
    dear: UsageFinal = quote.capped(final(cost_total_pico_usd=1300))
    assert (dear.cost_total_pico_usd, dear.overrun_pico_usd, dear.quote_id) == (1000, 300, "q")
    for cost in (None, 0, 1000):
        kept = quote.capped(final(cost_total_pico_usd=cost))
        assert (kept.cost_total_pico_usd, kept.overrun_pico_usd) == (cost, None)


def test_a_body_is_known_by_what_it_says_however_it_is_written() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "é"}], "n": 1}
    texts = [json.dumps(body), json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False)]
    assert len({digest_of(text.encode()) for text in texts}) == 1
    other = msgspec.json.encode({**body, "n": 2})
    assert digest_of(other) != digest_of(texts[0].encode())
