"""OpenAI's tools and the choice among them, as Anthropic's.

Sources: openai-python, types/chat/{chat_completion_tool_param,
chat_completion_tool_choice_option_param}.py; anthropic-sdk-python, types/tool_param.py and
types/tool_choice_{auto,any,tool,none}_param.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from shared.wire.chat.request import decode_field
from shared.wire.messages.content import ABSENT, Block, is_given, mark_cached
from shared.wire.messages.schema import Schema, enforceable
from shared.wire.translated import Drops, refused_content


class _Function(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, msgspec.Raw] | None = None
    strict: bool | None = None
    cache_control: msgspec.Raw = ABSENT


class _Tool(msgspec.Struct, frozen=True):
    type: str
    function: _Function | None = None
    cache_control: msgspec.Raw = ABSENT


class _NamedFunction(msgspec.Struct, frozen=True):
    name: str


class _NamedChoice(msgspec.Struct, frozen=True):
    type: str
    function: _NamedFunction | None = None


_tools = msgspec.json.Decoder(list[_Tool] | None)
_choice = msgspec.json.Decoder(str | _NamedChoice | None)
_flag = msgspec.json.Decoder(bool | None)

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_OBJECT = msgspec.Raw(b'"object"')


def translate_tools(fields: dict[str, msgspec.Raw], drops: Drops) -> Block:
    """`tools` and `tool_choice` of the request, where there are tools. Raises InvalidField."""
    tools = decode_field("tools", fields["tools"], _tools) if "tools" in fields else None
    choice = _tool_choice(fields, drops)
    if not tools:
        return {}
    sent: Block = {"tools": [_tool(tool, f"tools[{i}]", drops) for i, tool in enumerate(tools)]}
    if choice is not None:
        sent["tool_choice"] = choice
    return sent


def stub_tools(called: Iterable[str]) -> Block:
    """Tools for a history with calls, where the client sends none any more; none may be called.

    "Requests which include `tool_use` or `tool_result` blocks must define tools"
    (docs.litellm.ai, providers/anthropic).
    """
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in dict.fromkeys(called)]
    return {"tools": tools, "tool_choice": {"type": "none"}} if tools else {}


def _tool(tool: _Tool, place: str, drops: Drops) -> Block:
    function = tool.function
    if tool.type != "function" or function is None:
        raise refused_content(place, "Anthropic takes tools of type function alone")
    schema = _input_schema(function.parameters)
    if function.strict:
        schema = enforceable(_decoded(schema), f"{place}.function.parameters", drops)
    sent: Block = {"name": function.name, "input_schema": schema}
    if function.description:
        sent["description"] = function.description
    if function.strict is not None:
        sent["strict"] = function.strict
    mark_cached(sent, function.cache_control)
    mark_cached(sent, tool.cache_control)
    return sent


def _decoded(schema: dict[str, Any]) -> Schema:
    return {name: msgspec.json.decode(raw) for name, raw in schema.items()}


def _input_schema(parameters: dict[str, msgspec.Raw] | None) -> dict[str, Any]:
    """The schema as it came; `type: object`, which OpenAI lets one omit, is required here."""
    return {"type": _OBJECT, **(parameters or {})}


def _tool_choice(fields: dict[str, msgspec.Raw], drops: Drops) -> Block | None:
    choice = _named_choice(fields, drops)
    parallel = fields.get("parallel_tool_calls")
    if parallel is None or decode_field("parallel_tool_calls", parallel, _flag) is not False:
        return choice
    choice = choice or {"type": "auto"}
    if choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


def _named_choice(fields: dict[str, msgspec.Raw], drops: Drops) -> Block | None:
    raw = fields.get("tool_choice")
    # msgspec's stub cannot infer the members of a union that a decoder is made from.
    choice = cast(
        "str | _NamedChoice | None",
        decode_field("tool_choice", raw, _choice) if raw is not None and is_given(raw) else None,
    )
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}
    if isinstance(choice, _NamedChoice) and choice.type == "function" and choice.function:
        return {"type": "tool", "name": choice.function.name}
    drops.refuse("tool_choice", "Anthropic knows auto, none, required and a function by its name")
    return None
