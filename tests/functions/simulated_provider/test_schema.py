"""What is made of a JSON schema fits it, whatever it says and however much."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from functions.simulated_provider.schema import instance_of
from functions.simulated_provider.schema_pattern import text_of

ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def closed(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As OpenAI's strict mode asks for objects."""
    required = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": properties, **required, **more}


FITTING: dict[str, dict[str, Any]] = {
    "a text": text(),
    "a whole number": {"type": "integer"},
    "a number": {"type": "number"},
    "yes or no": {"type": "boolean"},
    "nothing": {"type": "null"},
    "one of several": {"enum": ["b", "a"]},
    "one alone": {"const": {"a": [1]}},
    "several types": {"type": ["null", "integer"]},
    "a least": {"type": "integer", "minimum": 18, "maximum": 120},
    "more than a least": {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    "an exclusive bound as a flag": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "integer",
        "minimum": 5,
        "exclusiveMinimum": True,
    },
    "negative": {"type": "integer", "maximum": -3},
    "between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "a multiple": {"type": "integer", "minimum": 8, "multipleOf": 7},
    "a small multiple": {"type": "number", "minimum": 0.25, "multipleOf": 0.1},
    "a huge number": {"type": "integer", "minimum": 10**30},
    "a long text": text(minLength=300),
    "a short text": text(maxLength=3),
    "no text": text(maxLength=0),
    "a code": text(pattern=r"^[A-Z]{3}-\d{4}$"),
    "a code of a length": text(pattern=r"^[a-z]+$", minLength=20, maxLength=90),
    "one of several words": text(pattern="^(left|right)$"),
    "a date": text(format="date"),
    "a list": {"type": "array", "items": {"type": "integer"}},
    "a list of several": {"type": "array", "items": text(), "minItems": 3, "maxItems": 3},
    "a list of others": {
        "type": "array",
        "items": {"enum": ["a", "b", "c"]},
        "minItems": 3,
        "uniqueItems": True,
    },
    "an empty list": {"type": "array", "items": text(), "maxItems": 0},
    "a pair": {"type": "array", "prefixItems": [text(), {"type": "integer"}], "items": False},
    "a pair of long ago": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [text(), {"type": "integer"}],
        "minItems": 2,
    },
    "nested": closed({"home": ADDRESS, "others": {"type": "array", "items": ADDRESS}}),
    "a reference": closed({"home": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": ADDRESS}}),
    "a reference of long ago": closed(
        {"home": {"$ref": "#/definitions/A~1b"}}, definitions={"A/b": ADDRESS}
    ),
    "either": closed({"x": {"anyOf": [{"type": "null"}, ADDRESS]}}),
    "one of": closed({"x": {"oneOf": [closed({"k": {"const": 1}}), closed({"k": {"const": 2}})]}}),
    "all of": {"allOf": [ADDRESS, {"properties": {"zip": text(minLength=4)}, "required": ["zip"]}]},
    "both say of one": {
        "allOf": [
            {"properties": {"n": {"type": "integer", "minimum": 3}}},
            {"properties": {"n": {"minimum": 9}}, "required": ["n"]},
        ]
    },
    "a name without a schema": {"type": "object", "required": ["x"]},
    "names of any kind": {
        "type": "object",
        "additionalProperties": {"type": "integer"},
        "minProperties": 2,
    },
    "few names": {**closed({"a": text(), "b": text()}), "required": ["b"], "maxProperties": 1},
    "a tree": {
        "$ref": "#/$defs/N",
        "$defs": {
            "N": closed({"kids": {"type": "array", "items": {"$ref": "#/$defs/N"}}, "name": text()})
        },
    },
    "a chain": closed({"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}),
    "an optional chain": {"type": "object", "properties": {"next": {"$ref": "#"}}},
    "anything": {},
}


@pytest.mark.parametrize("schema", FITTING.values(), ids=FITTING.keys())
def test_an_instance_fits_its_schema(schema: dict[str, Any]) -> None:
    made = instance_of(schema)
    jsonschema.validate(msgspec.json.decode(msgspec.json.encode(made)), schema)
    assert made == instance_of(schema)


def test_bounds_that_are_told_in_a_description_are_kept_to() -> None:
    told = {"type": "integer", "description": "How many.\n\n{minimum: 1000, multipleOf: 7}"}
    assert instance_of(told) == 1001


class Item(BaseModel):
    name: str = Field(min_length=2, max_length=40)
    price: float = Field(gt=0, le=1000)
    tags: set[str]
    more: list[Item] = []


class Order(BaseModel):
    """What structured output asks for in practice: pydantic's own schemas."""

    id: int = Field(ge=1000, multiple_of=5)
    code: str = Field(pattern=r"^[A-Z]{2}\d{3,5}$")
    items: list[Item] = Field(min_length=1)
    note: str | None = None
    size: tuple[int, int]
    rates: dict[str, float]


def test_an_instance_of_a_models_schema_is_taken_by_the_model() -> None:
    order = Order.model_validate(instance_of(Order.model_json_schema()))
    assert order.items[0].name == "simulated"


KEYWORDS = (
    *("type", "properties", "items", "$ref", "anyOf", "allOf", "enum", "minItems", "pattern"),
    *("minLength", "minimum", "multipleOf", "required", "additionalProperties", "a"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_what_is_no_schema_is_answered_all_the_same(schema: Any) -> None:
    msgspec.json.encode(instance_of(schema))


def test_a_schema_that_describes_more_than_there_is_memory_for_is_answered() -> None:
    names = [f"level{n}" for n in range(30)]
    definitions = {
        name: closed({key: {"$ref": f"#/$defs/{following}"} for key in ("a", "b", "c")})
        for name, following in zip(names, [*names[1:], "end"], strict=True)
    }
    bomb = {"$ref": "#/$defs/level0", "$defs": {**definitions, "end": text()}}
    lists = {"type": "array", "minItems": 10**9, "items": text(minLength=10**12)}
    for schema in (bomb, lists):
        assert len(msgspec.json.encode(instance_of(schema))) < 2_000_000


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\+?[1-9]\d{1,14}$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        r"^(?P<major>v\d+)(?:\.\d+){2}$",
        r"^#[0-9a-fA-F]{6}$",
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
        r"^[\]a-c\-]+\Z",
        r"^\x41\u0042.?$",
        r"a|b|",
    ],
)
def test_a_pattern_is_matched(pattern: str) -> None:
    found = text_of(pattern, 1, 100)
    assert found is not None
    assert re.search(pattern, found)


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a{", "a{x}", "(" * 900, "a{99999999}", "(?#x)", "a" * 2000]
)
def test_what_is_no_pattern_or_too_much_is_none(pattern: str) -> None:
    assert text_of(pattern, 1, 100) is None
