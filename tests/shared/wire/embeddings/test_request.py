"""What is read of a request for embeddings, and what of it a provider is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.dialect import dialect_of
from shared.wire.embeddings.over import over
from shared.wire.embeddings.request import EmbeddingsRequest, decode_embeddings
from shared.wire.translated import Sending

MODEL = "text-embedding-3-small"


def read(**fields: Any) -> EmbeddingsRequest:
    return decode_embeddings(json.dumps({"model": MODEL, "input": "a", **fields}).encode(), {})


def sent(slug: str, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    asked = read(**fields)
    dialect = over(dialect_of("openai", slug, "bearer"), asked)
    assert dialect.path == "/embeddings"
    translated = dialect.request(asked, Sending("served"))
    return json.loads(translated.body), translated.dropped


@pytest.mark.parametrize(
    ("given", "inputs", "tokens", "longest"),
    [
        ("Hello there", 1, 2, 2),
        (["Hello there", "Hello there"], 2, 4, 2),
        ([1, 2, 3], 1, 3, 3),
        ([[1, 2, 3], [4]], 2, 4, 3),
        ("", 1, 0, 0),
    ],
    ids=["a text", "texts", "tokens", "token arrays", "an empty text"],
)
def test_each_input_is_counted_by_itself(
    given: Any, inputs: int, tokens: int, longest: int
) -> None:
    asked = read(input=given)
    assert (asked.inputs, asked.prompt.tokens, asked.longest_tokens) == (inputs, tokens, longest)
    assert asked.max_tokens == 0


@pytest.mark.parametrize("blanks", [b" ", b"\n\t "])
def test_white_space_does_not_hide_tokens(blanks: bytes) -> None:
    body = b'{"model":"m","input":%b[%b[%b1, 2], [3]]}' % (blanks, blanks, blanks)
    assert decode_embeddings(body, {}).inputs == 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [[]] * 2049}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [1, "a"]}, "input[1]"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": "a b"}, "model"),
        ({"power_level": "eco"}, "power_level"),
        ({"stream": True}, "stream"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "many"}, "dimensions"),
        ({"api_base": "https://a.example"}, "api_base"),
    ],
)
def test_what_cannot_be_served_is_refused_by_its_name(fields: Any, param: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read(**fields)
    assert refused.value.param == param


def test_an_absent_input_or_model_is_named() -> None:
    for name in ("input", "model"):
        fields = {"model": MODEL, "input": "a"}
        del fields[name]
        with pytest.raises(InvalidField) as refused:
            decode_embeddings(json.dumps(fields).encode(), {})
        assert (refused.value.param, refused.value.code) == (name, "missing_required_parameter")


def test_everything_else_goes_out_as_it_came() -> None:
    asked = {"input": [[1, 2], [3]], "dimensions": 256, "encoding_format": "base64", "new": 1.50}
    body, dropped = sent("openai", **asked, power_level=None, models=["x"], max_cost_usd=1)
    assert body == {"model": "served", **asked}
    assert dropped == ()


def test_a_label_that_a_provider_does_not_know_is_left_out_and_named() -> None:
    assert sent("openai", user="ann") == ({"model": "served", "input": "a", "user": "ann"}, ())
    assert sent("google", user="ann") == ({"model": "served", "input": "a"}, ("user",))


def test_a_proxy_that_takes_orders_from_the_body_is_sent_what_is_documented() -> None:
    body, dropped = sent("litellm", dimensions=3, cache={"no-cache": True}, tags=["a"])
    assert body == {"model": "served", "input": "a", "dimensions": 3}
    assert set(dropped) == {"cache", "tags"}


def test_who_asks_is_read_and_a_label_of_a_wrong_type_is_no_error() -> None:
    assert read(user="ann").end_user == "ann"
    odd = read(user={"id": 1})
    assert (odd.end_user, odd.left_out) == (None, ("user",))
