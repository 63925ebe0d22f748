"""A Responses request as the request of a chat completion, for providers that speak no Responses.

What is kept, run or looked up by OpenAI's servers alone is refused by name; what only tells them
how to do it is left out and named.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import ChatRequest, decode_field, raw_json
from shared.wire.history.fields import objects, says_nothing, text_of
from shared.wire.responses.chat_turns import chat_messages
from shared.wire.responses.tools import Tool, as_functions, choice_of, tools_in
from shared.wire.translated import Drops, Sending

_ENCRYPTED: Final = "reasoning.encrypted_content"

_AS_IT_CAME: Final = (
    *("stream", "temperature", "top_p", "user", "safety_identifier", "service_tier"),
    *("prompt_cache_key", "prompt_cache_retention"),
)
_TRANSLATED: Final = frozenset(
    {
        *("model", "input", "instructions", "max_output_tokens", "tools", "tool_choice", "text"),
        *("parallel_tool_calls", "reasoning", "include", "store", "previous_response_id"),
        *("background", "conversation", "prompt", "top_logprobs", *_AS_IT_CAME),
    }
)
_SHOWN_ALONE: Final = frozenset({"metadata", "client_metadata"})
"""Labels: what of them the caller is to see stands in the answer."""
_NEUTRAL: Final = {"truncation": b'"disabled"'}


class _Format(msgspec.Struct, frozen=True):
    type: str = "text"
    name: msgspec.Raw = msgspec.Raw()
    schema: msgspec.Raw = msgspec.Raw()
    strict: msgspec.Raw = msgspec.Raw()
    description: msgspec.Raw = msgspec.Raw()


class _Text(msgspec.Struct, frozen=True):
    format: _Format | None = None
    verbosity: str | None = None


_fields: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_texts = msgspec.json.Decoder(list[str] | None)
_text = msgspec.json.Decoder(_Text | None)
_count = msgspec.json.Decoder(int | None)


def as_chat(request: ChatRequest, to: Sending) -> ChatRequest:
    """Raises InvalidField for what nobody but OpenAI's servers can do, by its name."""
    drops = to.drops(request)
    given = request.fields
    _refuse_what_is_held(given)
    instructions = text_of(given.get("instructions"))
    messages = chat_messages(instructions, given.get("input", raw_json("")), drops)
    fields: dict[str, msgspec.Raw] = {"messages": raw_json(messages)}
    fields.update({name: given[name] for name in _AS_IT_CAME if name in given})
    if request.max_tokens is not None:
        fields["max_completion_tokens"] = raw_json(request.max_tokens)
    _add_tools(fields, given, drops)
    _add_text(fields, given)
    _add_reasoning(fields, given, drops)
    _check_what_is_shown(given, drops)
    for name, value in given.items():
        is_known = name in _TRANSLATED or name in _SHOWN_ALONE
        if not (is_known or says_nothing(value) or bytes(value) == _NEUTRAL.get(name)):
            drops.leave_out(name)
    return msgspec.structs.replace(request, fields=fields, left_out=drops.names)


def all_tools(given: dict[str, msgspec.Raw], drops: Drops | None = None) -> list[Tool]:
    """Those of the request, and those that stand among its items (`additional_tools`)."""
    tools = list(tools_in(given.get("tools"), "tools", drops))
    items = given.get("input", msgspec.Raw())
    if b'"additional_tools"' in bytes(items):
        for index, item in enumerate(decode_field("input", items, objects)):
            if text_of(item.get("type")) == "additional_tools":
                tools += tools_in(item.get("tools"), f"input[{index}].tools", drops)
    return tools


def _included(given: dict[str, msgspec.Raw]) -> list[str] | None:
    return decode_field("include", given["include"], _texts) if "include" in given else None


def _refuse_what_is_held(given: dict[str, msgspec.Raw]) -> None:
    if bytes(given.get("store", b"")) == b"true":
        raise InvalidField(
            "This model's provider stores no responses: leave 'store' out, or name a model of"
            " OpenAI's.",
            param="store",
            code="unsupported_parameter",
        )
    for name in ("previous_response_id", "prompt"):
        if not says_nothing(given.get(name)):
            raise InvalidField(
                f"'{name}' names what this model's provider does not hold: send the items"
                " themselves.",
                param=name,
                code="unsupported_parameter",
            )


def _add_tools(fields: dict[str, msgspec.Raw], given: dict[str, msgspec.Raw], drops: Drops) -> None:
    tools, choice = all_tools(given, drops), None
    if "tool_choice" in given:
        tools, choice = choice_of(given["tool_choice"], tools, drops)
    if not tools:
        return
    fields["tools"] = raw_json(as_functions(tools, drops))
    if choice is not None:
        fields["tool_choice"] = choice
    if "parallel_tool_calls" in given:
        fields["parallel_tool_calls"] = given["parallel_tool_calls"]


def _add_text(fields: dict[str, msgspec.Raw], given: dict[str, msgspec.Raw]) -> None:
    text: Any = decode_field("text", given["text"], _text) if "text" in given else None
    if text is None:
        return
    if text.verbosity is not None:
        fields["verbosity"] = raw_json(text.verbosity)
    form = text.format
    if form is None or form.type == "text":
        return
    if form.type == "json_schema":
        names = ("name", "schema", "strict", "description")
        schema = {name: getattr(form, name) for name in names if bytes(getattr(form, name))}
        fields["response_format"] = raw_json({"type": "json_schema", "json_schema": schema})
    else:
        fields["response_format"] = raw_json({"type": form.type})


def _add_reasoning(
    fields: dict[str, msgspec.Raw], given: dict[str, msgspec.Raw], drops: Drops
) -> None:
    """The effort; a summary is what is told of the thoughts anyway."""
    reasoning: dict[str, msgspec.Raw] | None = (
        decode_field("reasoning", given["reasoning"], _fields) if "reasoning" in given else None
    )
    for name, value in (reasoning or {}).items():
        if name == "effort":
            fields["reasoning_effort"] = value
        elif name not in ("summary", "generate_summary") and not says_nothing(value):
            drops.leave_out(f"reasoning.{name}")


def _check_what_is_shown(given: dict[str, msgspec.Raw], drops: Drops) -> None:
    for index, what in enumerate(_included(given) or ()):
        if what == "message.output_text.logprobs":
            drops.refuse(f"include[{index}]", "Probabilities of tokens are OpenAI's own to tell")
        elif what != _ENCRYPTED:
            drops.leave_out(f"include[{index}]")
    if "top_logprobs" in given and decode_field("top_logprobs", given["top_logprobs"], _count):
        drops.refuse("top_logprobs", "Probabilities of tokens are OpenAI's own to tell")
