"""Whatever bytes a provider sends, its readers raise what they declare and nothing else."""

from __future__ import annotations

import json
import random

import pytest

from shared.wire.chat.answer import NotAnAnswer, text_tokens
from shared.wire.chat.whole_stream import WholeAnswer, gather
from shared.wire.dialect import Dialect, dialect_of
from shared.wire.provider import Auth
from tests.wire.shapes import plain
from tests.wire.streams import recorded

PIECES = (
    *(b"\xff", b"\0", b'"', b"}", b"{", b"[", b"]", b",", b"\\ud800", b"null", b"-1", b"1e400"),
    *(b"NaN", b"\r", b"\n\n", b"\\", b"9" * 30, b"true", b"\xed\xa0\x80"),
)
CALL = {"id": "t", "function": {"name": "f", "arguments": "{}"}}
MESSAGE = {"content": "hi", "tool_calls": [CALL]}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.1}
CHOICE = {"index": 0, "delta": MESSAGE, "message": MESSAGE, "finish_reason": "stop"}
ANSWER = json.dumps({"model": "m", "choices": [CHOICE], "usage": USAGE, "error": None}).encode()


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        if chance.random() < 0.5:  # noqa: PLR2004
            changed[at:at] = chance.choice(PIECES)
        else:
            del changed[at : at + chance.randint(1, 9)]
    return bytes(changed)


def read_all(dialect: Dialect, data: bytes) -> None:
    reader = dialect.reader(show_usage=True, created=1)
    out = b"".join(reader.feed(data[at : at + 97]) for at in range(0, len(data), 97))
    gather(out + reader.close() + reader.end(b"{}"))
    assert reader.delivered_tokens() >= 0
    assert reader.counts is None or reader.counts != ()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", recorded())
def test_a_mutated_stream_raises_nothing(name: str, seed: int) -> None:
    stream, chance = recorded()[name], random.Random(seed)
    dialect = dialect_of(stream.dialect, stream.slug, Auth.BEARER)
    for _ in range(10):
        read_all(dialect, mutated(plain(stream.events), chance))
        read_all(dialect, b"data: %b\n\n" % mutated(ANSWER, chance))


@pytest.mark.parametrize("slug", ["openai", "google"])
def test_a_mutated_answer_is_one_or_is_none(slug: str) -> None:
    chance = random.Random(7)
    dialect = dialect_of("openai", slug, Auth.BEARER)
    for _ in range(5000):
        body = mutated(ANSWER, chance)
        try:
            completion = dialect.reply(body, created=1)
        except NotAnAnswer:
            continue
        whole = WholeAnswer(completion, show_usage=True)
        gather(whole.first() + whole.end(b"{}"))
        assert text_tokens(body) >= 0
