"""A Messages request as the request of a chat completion, for providers that speak no Messages.

The reverse of shared/wire/messages/write.py; sources: those named there. What Anthropic's servers
alone know is left out and named, as clients such as Claude Code send it with every request; their
server tools are refused by name.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.request import ChatRequest, decode_field, raw_json
from shared.wire.history.fields import says_nothing, text_of
from shared.wire.messages.content import Block, is_given, mark_cached
from shared.wire.messages.door.chat_turns import chat_messages
from shared.wire.translated import Drops, Sending

_AS_IT_CAME: Final = ("stream", "temperature", "top_p", "top_k")
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "stop_sequences", "tools", "tool_choice"),
        *("output_config", "mcp_servers", "service_tier", *_AS_IT_CAME),
    }
)
_KEPT_OF_TOOLS: Final = frozenset(
    {"type", "name", "description", "input_schema", "strict", "cache_control"}
)
_OFF: Final = msgspec.Raw(b"false")

_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_texts = msgspec.json.Decoder(list[str] | None)


class _Choice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class _Format(msgspec.Struct, frozen=True):
    type: str = ""
    schema: msgspec.Raw = msgspec.Raw()


class _OutputConfig(msgspec.Struct, frozen=True):
    effort: str | None = None
    format: _Format | None = None


_choice = msgspec.json.Decoder(_Choice | None)
_output_config = msgspec.json.Decoder(_OutputConfig | None)


def as_chat(request: ChatRequest, to: Sending) -> ChatRequest:
    """Raises InvalidField: a server tool, unless it may be dropped; content without counterpart."""
    drops = to.drops(request)
    given = request.fields
    messages = chat_messages(given.get("system"), given["messages"], drops)
    fields: dict[str, msgspec.Raw] = {"messages": raw_json(messages)}
    fields.update({name: given[name] for name in _AS_IT_CAME if name in given})
    if request.max_tokens is not None:
        fields["max_completion_tokens"] = raw_json(request.max_tokens)
    stops = (
        decode_field("stop_sequences", given["stop_sequences"], _texts)
        if ("stop_sequences" in given)
        else None
    )
    if stops:
        fields["stop"] = raw_json(stops)
    _add_tools(fields, given, drops)
    _add_output(fields, given)
    if text_of(given.get("service_tier")) == "standard_only":
        fields["service_tier"] = raw_json("default")
    if not says_nothing(given.get("mcp_servers")):
        drops.refuse("mcp_servers", "Only Anthropic's own servers call MCP servers")
    for name, value in given.items():
        if name not in _TRANSLATED and is_given(value):
            drops.leave_out(name)
    return msgspec.structs.replace(request, fields=fields, left_out=drops.names)


def _add_tools(fields: dict[str, msgspec.Raw], given: dict[str, msgspec.Raw], drops: Drops) -> None:
    tools = decode_field("tools", given["tools"], _objects) if "tools" in given else None
    functions = [
        function
        for index, tool in enumerate(tools or ())
        if (function := _function(tool, f"tools[{index}]", drops)) is not None
    ]
    if not functions:
        return
    fields["tools"] = raw_json(functions)
    choice: Any = (
        decode_field("tool_choice", given["tool_choice"], _choice)
        if "tool_choice" in given
        else None
    )
    if choice is None:
        return
    named = {"type": "function", "function": {"name": choice.name}}
    fields["tool_choice"] = raw_json(_CHOICES.get(choice.type, named))
    if choice.disable_parallel_tool_use:
        fields["parallel_tool_calls"] = _OFF


def _function(tool: dict[str, msgspec.Raw], place: str, drops: Drops) -> Block | None:
    kind = text_of(tool.get("type")) or "custom"
    if kind != "custom":
        drops.refuse(place, f"Only Anthropic's own models have the tool '{kind[:50]}'")
        return None
    for name, value in tool.items():
        if name not in _KEPT_OF_TOOLS and not says_nothing(value) and value != _OFF:
            drops.leave_out(f"{place}.{name}")
    function: Block = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
    for name in ("description", "strict"):
        if name in tool and is_given(tool[name]):
            function[name] = tool[name]
    sent: Block = {"type": "function", "function": function}
    mark_cached(sent, tool.get("cache_control", msgspec.Raw()))
    return sent


def _add_output(fields: dict[str, msgspec.Raw], given: dict[str, msgspec.Raw]) -> None:
    """The effort and the schema that an answer is to follow ("Structured outputs")."""
    config: Any = (
        decode_field("output_config", given["output_config"], _output_config)
        if "output_config" in given
        else None
    )
    if config is None:
        return
    if config.effort is not None:
        fields["reasoning_effort"] = raw_json(config.effort)
    if config.format is not None and is_given(config.format.schema):
        schema = {"name": "answer", "schema": config.format.schema, "strict": True}
        form = {"type": "json_schema", "json_schema": schema}
        fields["response_format"] = raw_json(form)
