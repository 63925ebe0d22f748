"""Answers of embeddings: which is one, what it is billed by, and how its vectors are written."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from shared.wire.chat.answer import Completion, NotAnAnswer
from shared.wire.embeddings.vectors import read_vectors

NUMBERS = [0.5, -1.25, 3.0]
BASE64 = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()
USAGE = {"prompt_tokens": 7, "total_tokens": 7}


def answer(embedding: Any = NUMBERS, usage: Any = USAGE, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    whole = {"object": "list", "data": data, "model": "m", "usage": usage, **more}
    return json.dumps(whole).encode()


def read(body: bytes, *, wants_base64: bool = False) -> Completion:
    return read_vectors(body, wants_base64=wants_base64)


@pytest.mark.parametrize(("embedding", "wants_base64"), [(NUMBERS, False), (BASE64, True)])
def test_an_answer_as_it_was_asked_for_goes_on_byte_for_byte(
    embedding: Any, wants_base64: bool
) -> None:
    body = answer(embedding)
    assert read(body, wants_base64=wants_base64).body is body


def test_numbers_are_written_as_base64_where_that_was_asked_for() -> None:
    told = json.loads(read(answer(extra={"a": 1}), wants_base64=True).body)
    assert told["data"] == [{"object": "embedding", "index": 0, "embedding": BASE64}]
    assert (told["usage"], told["extra"], told["model"]) == (USAGE, {"a": 1}, "m")


@pytest.mark.parametrize(
    ("usage", "prompt"),
    [
        (USAGE, 7),
        ({"prompt_tokens": 7}, 7),
        ({"total_tokens": 7}, 7),
        ({"prompt_tokens": 0, "total_tokens": 7}, 7),
        ({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}, 7),
        ({"prompt_tokens": 0, "total_tokens": 0}, None),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)
def test_what_was_counted_is_billed_and_a_zero_is_no_count(usage: Any, prompt: int | None) -> None:
    counts = read(answer(usage=usage)).counts
    assert counts is not None
    assert (counts.prompt_tokens, counts.completion_tokens) == (prompt, 0)


def test_what_openrouter_says_it_charged_is_read() -> None:
    counts = read(answer(usage={**USAGE, "cost": 0.000001})).counts
    assert counts is not None
    assert counts.provider_cost_pico_usd == 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"\xff",
        b"{}",
        b'{"data":[]}',
        b'{"data":null}',
        b'{"data":[{"index":0}]}',
        b'{"data":[{"embedding":null}]}',
        b'{"data":[{"embedding":[]}]}',
        b'{"data":[{"embedding":""}]}',
        b'{"error":{"message":"no","code":"x"}}',
        b'{"object":"error","message":"no"}',
        b'{"data":[{"embedding":[1]}],"error":{"message":"no"}}',
        b'{"choices":[{"message":{"content":"Hello"}}]}',
    ],
)
def test_success_is_a_list_with_a_vector_in_each_place(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read(body)


@pytest.mark.parametrize("embedding", ['["a"]', "[1e400]", "[null]"])
def test_what_cannot_be_base64_is_no_answer(embedding: str) -> None:
    with pytest.raises(NotAnAnswer):
        read(b'{"data":[{"embedding":%b}]}' % embedding.encode(), wants_base64=True)
