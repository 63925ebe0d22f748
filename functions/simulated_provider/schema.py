"""A value that a JSON schema describes: the plainest that fits, the same for the same schema.

Keywords are those of JSON Schema 2020-12 and, of older drafts, `definitions`, `items` as a list and
exclusive bounds as flags. `not`, `if` and `contains` are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import unquote

from functions.simulated_provider.schema_number import count_of, number
from functions.simulated_provider.schema_text import text

Schema = dict[str, Any]
Path = tuple[str, ...]

_DEEPEST = 40
_MOST_VALUES = 2_000
"""A schema of a few lines can describe more values than there is memory for."""
_MOST_ITEMS = 100
_MOST_HOPS = 32
_AT_THE_END = re.compile(r"\{(?P<bounds>[^{}]{1,200})\}$")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
_NULL = "null"
_LEAST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_MOST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_BOUNDS = _LEAST | _MOST
_KINDS: Mapping[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "uniqueItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def instance_of(schema: object) -> Any:
    """What a model that keeps to `schema` might answer; null where nothing can be made of it."""
    return _Maker(schema).value(schema, (), 0)


class _Maker:
    def __init__(self, root: object) -> None:
        self._root = root
        self._left = _MOST_VALUES

    def value(self, schema: object, path: Path, nth: int) -> Any:
        """`path` holds the references that lead here; `nth` tells the items of a list apart."""
        self._left -= 1
        if self._left < 0 or len(path) > _DEEPEST:
            return None
        flat, path = self._flat(schema, path)
        if "const" in flat:
            return flat["const"]
        if choices := _list(flat.get("enum")):
            return choices[nth % len(choices)]
        if flat.get("default") is not None:
            return flat["default"]
        kind = _kind(flat)
        if kind == "object":
            return self._object(flat, path, nth)
        if kind == "array":
            return self._array(flat, path)
        if kind in ("integer", "number"):
            return number(flat, nth, is_whole=kind == "integer")
        if kind == "boolean":
            return nth % 2 == 0
        return None if kind == _NULL else text(flat, nth)

    def _object(self, flat: Schema, path: Path, nth: int) -> Schema:
        properties, required = _dict(flat.get("properties")), _names(flat.get("required"))
        optional = [
            name
            for name, one in properties.items()
            if name not in required and one is not False and not self._leads_back(one, path)
        ]
        room = max(0, count_of(flat, "maxProperties", len(properties)) - len(required))
        names = {*required, *optional[:room]}
        ordered = [name for name in (*properties, *required) if name in names]
        more = flat.get("additionalProperties", True)
        wanted = min(count_of(flat, "minProperties", 0), _MOST_ITEMS)
        if more is not False:
            extra = (f"simulated{n}" for n in range(1, _MOST_ITEMS + 1))
            ordered += list(extra)[: max(0, wanted - len(names))]
        here = (*path, "")
        return {
            name: self.value(properties.get(name, more), here, nth)
            for name in dict.fromkeys(ordered)
        }

    def _array(self, flat: Schema, path: Path) -> list[Any]:
        """One item where the schema leaves it open, so that there is something to see."""
        items = flat.get("items", True)
        first = _list(flat.get("prefixItems", items if isinstance(items, list) else []))
        rest: object = flat.get("additionalItems", True) if isinstance(items, list) else items
        least = count_of(flat, "minItems", 0)
        ends = rest is False or bool(first) or self._leads_back(rest, path)
        count = max(least, len(first), 0 if ends else 1)
        count = min(count, count_of(flat, "maxItems", _MOST_ITEMS), _MOST_ITEMS)
        here = (*path, "")
        return [
            self.value(first[n] if n < len(first) else rest, here, n)
            for n in range(count)
            if n < len(first) or rest is not False
        ]

    def _flat(self, schema: object, path: Path) -> tuple[Schema, Path]:
        """`schema` with its references followed, its parts put together and one alternative chosen,
        and the path with those references."""
        flat = _dict(schema)
        for _ in range(_MOST_HOPS):
            if "$ref" in flat:
                reference = str(flat["$ref"])
                path = (*path, reference)
                flat = _both(self._find(reference), _without(flat, "$ref"))
            elif "allOf" in flat:
                parts = _list(flat["allOf"])
                flat = _without(flat, "allOf")
                for part in parts:
                    flat = _both(flat, _dict(part))
            elif name := next((one for one in ("anyOf", "oneOf") if one in flat), None):
                chosen = self._choose(_list(flat[name]), path)
                flat = _both(_without(flat, name), _dict(chosen))
            else:
                return _told(flat) | flat, path
        return {"type": _NULL}, path

    def _choose(self, alternatives: Iterable[object], path: Path) -> object:
        """The first that is a value and does not lead back to where it is asked for."""
        possible = [one for one in alternatives if one is not False]
        values = [one for one in possible if _kind(_dict(one)) != _NULL]
        onward = [one for one in values if not self._leads_back(one, path)]
        nulls = [one for one in possible if one not in values]
        return next(iter((*onward, *nulls, *values)), True)

    def _leads_back(self, schema: object, path: Path) -> bool:
        """Whether it is by a reference already on the way, so that it would never end."""
        one = _dict(schema)
        if "$ref" in one:
            return str(one["$ref"]) in path
        for name in ("anyOf", "oneOf"):
            if alternatives := _list(one.get(name)):
                return all(
                    self._leads_back(each, path) or _kind(_dict(each)) == _NULL
                    for each in alternatives
                )
        return any(self._leads_back(each, path) for each in _list(one.get("allOf")))

    def _find(self, reference: str) -> Schema:
        """What a reference within the schema names; nothing for one to elsewhere."""
        found: object = self._root
        for part in unquote(reference.removeprefix("#")).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                listed = cast("list[object]", found)
                found = listed[int(name)] if name.isdigit() and int(name) < len(listed) else None
            else:
                found = _dict(found).get(name)
        return _dict(found)


def _both(one: Schema, other: Schema) -> Schema:
    """A schema that asks for what both do."""
    made = {**one, **other}
    for name in one.keys() & other.keys():
        a, b = one[name], other[name]
        if name == "properties":
            shared = _dict(a).keys() & _dict(b).keys()
            made[name] = {**_dict(a), **_dict(b), **{n: {"allOf": [a[n], b[n]]} for n in shared}}
        elif name == "required":
            made[name] = list(dict.fromkeys([*_names(a), *_names(b)]))
        elif name == "enum":
            made[name] = [each for each in _list(a) if each in _list(b)] or b
        elif name in _BOUNDS and isinstance(a, int | float) and isinstance(b, int | float):
            made[name] = max(a, b) if name in _LEAST else min(a, b)
    return made


def _told(flat: Schema) -> Schema:
    """The bounds that a description ends with: `{minimum: 1, maxLength: 9}`.

    So Anthropic's SDK, and who translates for it, tell a model what its grammars do not enforce.
    """
    found = _AT_THE_END.search(str(flat.get("description", "")))
    if found is None:
        return {}
    words = (one.partition(": ") for one in found["bounds"].split(", "))
    return {
        name: float(value) if "." in value else int(value)
        for name, _, value in words
        if name in (*_BOUNDS, "multipleOf") and _NUMBER.fullmatch(value)
    }


def _kind(flat: Schema) -> str:
    """The first type that is a value; without one what the keywords are about, else text."""
    kinds = flat.get("type")
    if isinstance(kinds, list):
        listed = [str(one) for one in cast("list[object]", kinds)]
        return next((one for one in listed if one != _NULL), _NULL)
    if kinds is not None:
        return str(kinds)
    return next((kind for kind, words in _KINDS.items() if flat.keys() & set(words)), "string")


def _without(flat: Schema, name: str) -> Schema:
    return {key: value for key, value in flat.items() if key != name}


def _dict(value: object) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]
