"""The OpenAPI document: Litestar's, with what it cannot see.

Raw handlers, the shape and codes of errors, how to sign in, and which function a route belongs to.
"""

from __future__ import annotations

import atexit
import gc
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from shared.openapi.codes import CODES, codes_of

DESCRIPTION = """\
A self-hosted LLM gateway that speaks OpenAI's and Anthropic's APIs. Send a token as
`Authorization: Bearer <token>` or as `x-api-key`. Each answer has an `x-request-id`, which is the
id of its row of usage. An error has a stable `code`, the `param` at fault and a message that says
what to do.
"""
_MAYBE_TEXT = {"type": ["string", "null"]}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "What is wrong, and what to do."},
                "type": {"type": "string"},
                "param": _MAYBE_TEXT | {"description": "The field at fault, or a limit's scope."},
                "code": {"type": "string", "description": "Stable. One of ours, or a provider's."},
            },
        }
    },
}
# Of every route, of those with an object in their path, with a body, and that reach a provider.
_ALWAYS = {400, 401, 403, 405, 431, 500, 503}
_WITH_OBJECT = {404, 409}
_WITH_BODY = {404, 408, 409, 413, 415, 422}
_COMPLETING = {402, 404, 408, 409, 413, 415, 422, 429, 502, 504}
_VERBS = frozenset({"get", "post", "put", "patch", "delete"})


class Document(OpenAPI):
    """`declared` are path items of raw handlers; `functions_of` the function of each."""

    declared: Mapping[str, Any] = {}
    functions_of: Mapping[str, str] = {}

    def to_schema(self) -> dict[str, Any]:
        schema = super().to_schema()
        # They are constants of their modules, which this must leave as they are.
        raw = {path: {v: dict(o) for v, o in item.items()} for path, item in self.declared.items()}
        schema["paths"] = paths = {**schema.get("paths", {}), **raw}
        for path, item in paths.items():
            for verb in item.keys() & _VERBS:
                self._complete(path, item[verb], is_raw=path in raw)
        schema["tags"] = [{"name": one} for one in sorted(set(self.functions_of.values()))]
        components = schema.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), "Error": _ERROR}
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        schema["security"] = [{"token": []}, {"x-api-key": []}]
        return _with_any_of(schema)

    def _complete(self, path: str, operation: dict[str, Any], *, is_raw: bool) -> None:
        declared: dict[str, Any] = operation.get("responses", {})
        answered = {one: declared[one] for one in declared if one.startswith("2")}
        # Errors of the Messages API have a shape of their own.
        content = declared.get("400", {}).get("content") if is_raw else None
        refused = {
            str(one): _refusal(one, content) for one in statuses(path, operation, is_raw=is_raw)
        }
        operation["responses"] = answered | refused
        operation["tags"] = [self.functions_of[path]]
        # The document's holds for all.
        operation.pop("security", None)
        if is_raw:
            operation.setdefault("description", f"{operation['summary']}.")
        else:
            said: str = operation.get("description", "")
            operation["summary"] = re.split(r"[.;:]\s|\.$", said)[0]


def _with_any_of(value: Any) -> Any:
    """`value` with `anyOf` for `oneOf`: an object of more fields fits the schema of one of fewer,
    too."""
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {
            "anyOf" if name == "oneOf" else name: _with_any_of(one) for name, one in named.items()
        }
    if isinstance(value, list):
        return [_with_any_of(one) for one in cast("list[Any]", value)]
    return value


def statuses(path: str, operation: Mapping[str, Any], *, is_raw: bool) -> Sequence[int]:
    """What an operation may be refused with."""
    found = set(_ALWAYS)
    if "{" in path:
        found |= _WITH_OBJECT
    if "requestBody" in operation:
        found |= _WITH_BODY
    if is_raw or path.endswith(("/route", "/quote", "/test")):
        found |= _COMPLETING
    return sorted(found)


def _refusal(status: int, content: Any = None) -> dict[str, Any]:
    codes = codes_of(status)
    first = CODES[codes[0]] if codes else None
    error: dict[str, Any] = {"message": "", "type": "api_error", "param": None, "code": None}
    if first is not None:
        error |= {"message": f"{first.means} {first.fix}", "code": codes[0]}
    return {
        "description": "Codes: " + ", ".join(f"`{code}`" for code in codes) + ".",
        "content": content
        or {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"error": error},
            }
        },
    }


def in_openapi(path: str) -> str:
    """A path of Litestar's as OpenAPI writes it: without the types of its parameters."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


@dataclass
class DocumentConfig(OpenAPIConfig):
    """Litestar's, for a Document."""

    declared: Mapping[str, Any] = field(default_factory=dict[str, Any])
    functions_of: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_openapi_schema(self) -> OpenAPI:
        # msgspec 0.22 may free what it knows of generic structs, which this asks it for, twice in
        # the interpreter's last collection: one process in six ended by SIGSEGV.
        atexit.register(gc.freeze)
        plain = super().to_openapi_schema()
        document = Document(plain.info, servers=plain.servers, components=plain.components)
        document.declared, document.functions_of = self.declared, self.functions_of
        return document
