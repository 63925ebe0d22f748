"""Laws of a JSON schema on its way to Anthropic."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.lib._parse._transform import transform_schema
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.messages.schema import enforceable
from shared.wire.translated import Drops
from tests.fakes.strict.schemas import unsupported_in


def sent(schema: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    drops = Drops(may_drop=False)
    return enforceable(schema, "s", drops), drops.names


@pytest.mark.parametrize(
    ("schema", "kept", "dropped"),
    [
        ({"type": "integer"}, {"type": "integer"}, ()),
        (
            {"type": "integer", "minimum": 0, "description": "Age."},
            {"type": "integer", "description": "Age.\n\n{minimum: 0}"},
            ("s.minimum",),
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}},
            {
                "type": "object",
                "properties": {"a": {"type": "string", "description": "{maxLength: 3}"}},
                "additionalProperties": False,
            },
            ("s.properties.a.maxLength",),
        ),
        (
            {"type": "object", "additionalProperties": True},
            {"type": "object", "additionalProperties": False},
            ("s.additionalProperties",),
        ),
        (
            {"oneOf": [{"type": "string", "format": "week"}, {"type": "null"}]},
            {"anyOf": [{"type": "string", "description": "{format: week}"}, {"type": "null"}]},
            ("s.oneOf[0].format",),
        ),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}, ()),
        (
            {"type": "array", "minItems": 2},
            {"type": "array", "description": "{minItems: 2}"},
            ("s.minItems",),
        ),
        ({"$ref": "#/$defs/a", "$schema": "x"}, {"$ref": "#/$defs/a", "$schema": "x"}, ()),
    ],
)
def test_what_is_not_enforced_goes_to_the_description_and_is_named(
    schema: dict[str, Any], kept: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert sent(schema) == (kept, dropped)


LEAVES = st.sampled_from(
    [
        {"type": "integer", "minimum": 0, "maximum": 9},
        {"type": "number", "multipleOf": 0.5},
        {"type": "string", "maxLength": 3, "format": "week"},
        {"type": "string", "format": "uuid"},
        {"type": "null"},
        {"enum": ["a", "b"]},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda one: {"type": "array", "items": one, "maxItems": 3}, inner)
        | st.builds(
            lambda some: {"type": "object", "properties": some, "minProperties": 1},
            st.dictionaries(st.sampled_from("abc"), inner),
        )
        | st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda some: {"oneOf": some}, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_what_arrives_is_taken_and_is_what_their_own_sdk_makes(schema: dict[str, Any]) -> None:
    kept, _ = sent(schema)
    assert list(unsupported_in(kept, "s")) == []
    assert kept == transform_schema(schema)
