"""A JSON schema with what Anthropic's grammars take of it alone, as their own SDK makes it.

Sources: anthropic-sdk-python, lib/_parse/_transform.py; platform.claude.com, "Structured outputs",
"JSON Schema limitations" (agentjido/req_llm issue 302: a `minimum` is answered with 400;
laravel/ai issue 715: so is an object without `additionalProperties: false`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from shared.wire.translated import Drops

_KEPT: Final = frozenset(
    {
        *("type", "title", "description", "enum", "const", "default", "$ref", "required"),
        *("properties", "items", "anyOf", "allOf", "$defs", "definitions", "format", "minItems"),
        *("pattern", "$schema", "$id"),
    }
)
_FORMATS: Final = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)
_CLOSED: Final = "additionalProperties"
_NOT_NAMED: Final = frozenset({_CLOSED, "$schema", "$id"})
Schema = dict[str, Any]


def enforceable(schema: Schema, place: str, drops: Drops) -> Schema:
    """`schema`, which stands at `place` of the request, without what is not enforced there.

    Each keyword that is left out is named, and told to the model in the description, as the SDK
    does. Every object is closed: a schema that leaves one open is a 400.
    """
    kept: Schema = {}
    told: list[str] = []
    for name, value in schema.items():
        if name == "oneOf":
            kept["anyOf"] = _each(value, f"{place}.{name}", drops)
        elif name in ("anyOf", "allOf"):
            kept[name] = _each(value, f"{place}.{name}", drops)
        elif name in ("properties", "$defs", "definitions"):
            kept[name] = _under_names(value, f"{place}.{name}", drops)
        elif name == "items":
            kept[name] = _one(value, f"{place}.{name}", drops)
        elif _is_enforced(name, value):
            kept[name] = value
        elif name not in _NOT_NAMED or (name == _CLOSED and value not in (False, True)):
            told.append(f"{name}: {value}")
            drops.leave_out(f"{place}.{name}")
    if _is_object(kept):
        if schema.get(_CLOSED) is True:
            drops.leave_out(f"{place}.{_CLOSED}")
        kept[_CLOSED] = False
    if told:
        said = kept.get("description")
        kept["description"] = "\n\n".join(filter(None, (said, "{" + ", ".join(told) + "}")))
    return kept


def _is_enforced(name: str, value: object) -> bool:
    if name == "format":
        return value in _FORMATS
    if name == "minItems":
        return value in (0, 1)
    return name in _KEPT


def _is_object(schema: Mapping[str, object]) -> bool:
    kind = schema.get("type")
    kinds = cast("list[object]", kind) if isinstance(kind, list) else [kind]
    return "object" in kinds or "properties" in schema


def _each(value: object, place: str, drops: Drops) -> object:
    if not isinstance(value, list):
        return value
    branches = cast("list[object]", value)
    return [_one(one, f"{place}[{index}]", drops) for index, one in enumerate(branches)]


def _under_names(value: object, place: str, drops: Drops) -> object:
    if not isinstance(value, dict):
        return value
    named = cast("dict[str, object]", value)
    return {name: _one(one, f"{place}.{name}", drops) for name, one in named.items()}


def _one(value: object, place: str, drops: Drops) -> object:
    return enforceable(cast(Schema, value), place, drops) if isinstance(value, dict) else value
