"""The tools of a Responses request as functions of chat, and the names by which they come back.

Sources: openai-python, types/responses/{function_tool,custom_tool,namespace_tool,
tool_choice_*}_param.py; guides/function-calling ("Custom tools", "Context-free grammars").
A tool of a namespace is a function whose name begins with it; one that takes free text is a
function with one text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from shared.wire.chat.request import decode_field, raw_json
from shared.wire.history.fields import says_nothing, text_of
from shared.wire.parse.lenient import NotJSON, loads
from shared.wire.translated import Drops

FREE_TEXT: Final = "input"
"""The one parameter of a function that stands for a tool that takes free text."""

_BETWEEN: Final = "__"
_KEPT: Final = frozenset(
    {"type", "name", "description", "parameters", "strict", "format", "tools"}
    # Where and when a tool may be called: a model that is shown all of them calls them itself.
    | {"defer_loading", "allowed_callers", "output_schema", "async"}
)
_FREE_TEXT_SCHEMA: Final = {
    "type": "object",
    "properties": {FREE_TEXT: {"type": "string"}},
    "required": [FREE_TEXT],
    "additionalProperties": False,
}
Fields = dict[str, msgspec.Raw]
_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)


class Tool(NamedTuple):
    """`name` and `namespace` are the caller's; `function` is what chat knows it by."""

    function: str
    name: str
    namespace: str | None
    is_custom: bool
    fields: Fields
    place: str


class _Grammar(msgspec.Struct, frozen=True):
    type: str = "text"
    syntax: str = ""
    definition: str = ""


class _Choice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    namespace: str | None = None
    mode: str = "auto"
    tools: list[dict[str, msgspec.Raw]] = []


_grammar = msgspec.json.Decoder(_Grammar | None)
_choice: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | _Choice | None)


def function_name(name: str, namespace: str | None) -> str:
    return f"{namespace}{_BETWEEN}{name}" if namespace else name


def tools_in(raw: msgspec.Raw | None, place: str, drops: Drops | None = None) -> Iterator[Tool]:
    """The tools that callers run, those of namespaces too.

    Raises InvalidField through `drops` for one that OpenAI's servers alone run; without, it is
    passed over.
    """
    tools = decode_field(place, raw, _objects) if raw is not None else None
    for index, tool in enumerate(tools or ()):
        at, kind = f"{place}[{index}]", text_of(tool.get("type")) or ""
        if kind == "namespace":
            namespace, about = text_of(tool.get("name")), text_of(tool.get("description"))
            for inner in tools_in(tool.get("tools"), f"{at}.tools", drops):
                fields = {**inner.fields, "description": _joined(about, inner.fields)}
                name = function_name(inner.name, namespace)
                yield inner._replace(function=name, namespace=namespace, fields=fields)
        elif kind in ("function", "custom"):
            name = text_of(tool.get("name")) or ""
            yield Tool(name, name, None, kind == "custom", tool, at)
        elif drops is not None:
            drops.refuse(at, f"Only OpenAI's own servers and models have the tool '{kind[:50]}'")


def as_functions(tools: list[Tool], drops: Drops) -> list[dict[str, object]]:
    functions: list[dict[str, object]] = []
    for tool in tools:
        for name, value in tool.fields.items():
            if name not in _KEPT and not says_nothing(value):
                drops.leave_out(f"{tool.place}.{name}")
        functions.append({"type": "function", "function": _function(tool)})
    return functions


def choice_of(
    raw: msgspec.Raw, tools: list[Tool], drops: Drops
) -> tuple[list[Tool], msgspec.Raw | None]:
    """The tools that may be called, and chat's `tool_choice`; None: nothing is said."""
    choice = decode_field("tool_choice", raw, _choice)
    if choice is None or isinstance(choice, str):
        return tools, None if choice is None else raw
    if choice.type == "allowed_tools":
        # Only OpenAI's own chat has such a choice; every model has the tools that it is shown.
        allowed = {
            function_name(text_of(one.get("name")) or "", text_of(one.get("namespace")))
            for one in choice.tools
        }
        return [one for one in tools if one.function in allowed], raw_json(choice.mode)
    if choice.type in ("function", "custom"):
        name = function_name(choice.name, choice.namespace)
        return tools, raw_json({"type": "function", "function": {"name": name}})
    drops.refuse("tool_choice", f"Only OpenAI's own models are made to call '{choice.type[:50]}'")
    return tools, None


def free_text(arguments: str) -> str:
    """What a model says to a tool that takes free text; all of it where it is not as asked for."""
    try:
        said = loads(arguments.encode("utf-8", "surrogatepass"))
    except (NotJSON, UnicodeDecodeError):
        return arguments
    text = said.get(FREE_TEXT) if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    return text if isinstance(text, str) else arguments


def _function(tool: Tool) -> Mapping[str, object]:
    given = tool.fields
    function: dict[str, object] = {"name": tool.function}
    if tool.is_custom:
        function["description"] = _with_grammar(tool)
        function["parameters"] = _FREE_TEXT_SCHEMA
        return function
    for name in ("description", "parameters", "strict"):
        if bytes(given.get(name, b"null")) != b"null":
            function[name] = given[name]
    return function


def _with_grammar(tool: Tool) -> str:
    """Its description, and the grammar that its text is to follow, which chat cannot enforce."""
    about = text_of(tool.fields.get("description")) or ""
    raw = tool.fields.get("format")
    form: Any = decode_field(f"{tool.place}.format", raw, _grammar) if raw is not None else None
    if form is None or form.type != "grammar":
        return about
    return f"{about}\n\nThe input must follow this {form.syntax} grammar:\n{form.definition}"


def _joined(about: str | None, fields: Fields) -> msgspec.Raw:
    return raw_json("\n".join(filter(None, (about, text_of(fields.get("description"))))))
