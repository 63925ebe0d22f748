"""JSON that a schema describes: the plainest value that fits, so that a client can parse it."""

from __future__ import annotations

from typing import Any, cast

import msgspec

JSON_OBJECT = '{"simulated": true}'
_DEEPEST = 20


def fitting(schema: dict[str, Any]) -> str:
    """JSON text; what is not understood of the schema is taken for any value at all."""
    return msgspec.json.encode(_value(schema, schema, 0)).decode()


def _value(schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return _value(_resolve(str(schema["$ref"]), root), root, depth + 1)
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return schema["enum"][0]
    for choices in ("anyOf", "oneOf"):
        if schema.get(choices):
            return _value(schema[choices][0], root, depth + 1)
    kind = _kind(schema)
    if kind == "object":
        properties = cast("dict[str, dict[str, Any]]", schema.get("properties", {}))
        return {name: _value(one, root, depth + 1) for name, one in properties.items()}
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        return [_value(schema.get("items", {}), root, depth + 1)] * count
    return _PLAIN.get(kind)


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    return str(cast("list[Any]", kinds)[0] if isinstance(kinds, list) else kinds)


_PLAIN: dict[str, Any] = {"string": "simulated", "integer": 1, "number": 1.5, "boolean": True}


def _resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        if not part.strip("#"):
            continue
        found = found.get(part, {}) if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("dict[str, Any]", found)
