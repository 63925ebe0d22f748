"""What Anthropic's structured outputs refuse in a JSON schema.

Source: platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations";
agentjido/req_llm issue 302 (minimum); laravel/ai issue 715 (additionalProperties).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_REFUSED: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "maxItems", "uniqueItems", "contains", "prefixItems"),
        *("minProperties", "maxProperties", "patternProperties", "propertyNames"),
        *("oneOf", "not", "if", "then", "else", "dependentSchemas", "dependentRequired"),
    }
)
_SAYS: Final = frozenset({"enum", "const", "anyOf", "allOf", "$ref"})
_FORMATS: Final = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)


def unsupported_in(schema: dict[str, Any], place: str) -> Iterator[str]:
    """What of `schema`, which stands at `place`, a grammar cannot be made of."""
    yield from (f"{place}: property '{name}' is not supported" for name in _REFUSED & schema.keys())
    if schema.get("minItems", 0) > 1:
        yield f"{place}: 'minItems' values other than 0 or 1 are not supported"
    if schema.get("format", "uuid") not in _FORMATS:
        yield f"{place}: 'format' {schema['format']} is not supported"
    is_object = schema.get("type") == "object" or "properties" in schema
    if is_object and schema.get("additionalProperties") is not False:
        yield f"{place}: 'additionalProperties' must be explicitly set to false"
    if schema.get("type") in ([], None) and not _SAYS.intersection(schema):
        yield f"{place}: a schema must say its type"
    for group in ("properties", "$defs", "definitions"):
        for name, inner in schema.get(group, {}).items():
            yield from unsupported_in(inner, f"{place}.{group}.{name}")
    if "items" in schema:
        yield from unsupported_in(schema["items"], f"{place}.items")
    for name in ("anyOf", "allOf"):
        for index, inner in enumerate(schema.get(name, ())):
            yield from unsupported_in(inner, f"{place}.{name}.{index}")
