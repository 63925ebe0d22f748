"""A chat completion for a provider that speaks it: patch the model name, ask for usage, pass
everything else through but what this provider does not take."""

from __future__ import annotations

import msgspec

from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.chat.versions import fit_version
from shared.wire.history.fields import objects, one_object
from shared.wire.history.messages import fit_messages
from shared.wire.history.parts import drop_cache_control
from shared.wire.quirks import NO_QUIRKS, SAMPLING, Quirks
from shared.wire.translated import Drops, Sending, Translated

PATH = "/chat/completions"

_NO_TOOLS = (b"[]", b"null")
"""OpenAI refuses an empty list ("[] is too short - 'tools'"), and a choice among no tools."""

_USAGE_ASKED = msgspec.Raw(b'{"include_usage":true}')


def write_request(chat: ChatRequest, to: Sending, *, quirks: Quirks = NO_QUIRKS) -> Translated:
    """The body for `to.model_id`; the defaults go in only where the client sent none (0 stays 0).

    Raises InvalidField, `param` naming the field, where the provider refuses a field that would
    change the answer, unless the client sent `drop_params: true`.
    """
    fields = dict(chat.fields)
    fields["model"] = raw_json(to.model_id)
    if chat.stream and quirks.takes_stream_options:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    if to.max_tokens is not None and chat.max_tokens is None:
        fields["max_completion_tokens"] = raw_json(to.max_tokens)
    if to.temperature is not None and "temperature" not in fields:
        fields["temperature"] = raw_json(to.temperature)
    drops = to.drops(chat)
    fields["messages"] = fit_messages(fields["messages"], quirks.messages, to.model_id, drops)
    if "tools" in fields:
        _fit_tools(fields, quirks, drops)
    _adapt(fields, quirks, drops)
    if quirks.versions:
        fit_version(fields, quirks.versions, to, drops)
    most = chat.max_tokens or to.max_tokens
    if most is not None and "n" in fields:
        most *= chat.n
    return Translated(encode_fields(fields), drops.names, max_tokens=most)


def _adapt(fields: dict[str, msgspec.Raw], quirks: Quirks, drops: Drops) -> None:
    """Make `fields` what this provider takes. Raises InvalidField as `Drops.refuse` does."""
    for name, neutral in quirks.refused.items():
        if name in fields and bytes(fields.pop(name)) not in neutral:
            why = f"This provider does not take '{name}'"
            drops.refuse(name, why, is_sampling=name in SAMPLING)
    for name in quirks.dropped.intersection(fields):
        _leave_out(fields, name, drops)
    for name, provider_name in quirks.renamed.items():
        if name in fields:
            _rename(fields, name, provider_name, drops)
    if not quirks.takes_stream_options and "stream_options" in fields:
        _leave_out(fields, "stream_options", drops)
    if quirks.only is not None:
        for name in fields.keys() - quirks.only:
            _leave_out(fields, name, drops)


def _fit_tools(fields: dict[str, msgspec.Raw], quirks: Quirks, drops: Drops) -> None:
    tools = bytes(fields["tools"])
    if tools in _NO_TOOLS:
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            fields.pop(name, None)
    elif not quirks.messages.takes_cache_control and b'"cache_control"' in tools:
        fields["tools"] = _unmarked(fields["tools"], drops)


def _unmarked(tools: msgspec.Raw, drops: Drops) -> msgspec.Raw:
    """The tools without Anthropic's marks, which are on a tool or on its function."""
    unmarked = objects.decode(tools)
    for index, tool in enumerate(unmarked):
        if "cache_control" in tool:
            drop_cache_control(tool, f"tools[{index}]", drops)
        function = one_object.decode(tool["function"]) if "function" in tool else {}
        if "cache_control" in function:
            drop_cache_control(function, f"tools[{index}].function", drops)
            tool["function"] = raw_json(function)
    return raw_json(unmarked)


def _leave_out(fields: dict[str, msgspec.Raw], name: str, drops: Drops) -> None:
    if bytes(fields.pop(name)) != b"null":
        drops.leave_out(name)


def _rename(fields: dict[str, msgspec.Raw], name: str, provider_name: str, drops: Drops) -> None:
    """Give a value its provider's name. Of two values the one under OpenAI's newer name holds,
    as everywhere in the gateway; the other is named as dropped."""
    value = fields.pop(name)
    if bytes(value) == b"null":
        return
    other = fields.get(provider_name)
    if other is None or bytes(other) == b"null":
        fields[provider_name] = value
    elif name == "max_completion_tokens":
        fields[provider_name] = value
        drops.leave_out(provider_name)
    else:
        drops.leave_out(name)


def _with_usage(asked: msgspec.Raw | None) -> msgspec.Raw:
    if asked is None or bytes(asked) == b"null":
        return _USAGE_ASKED
    options = msgspec.json.decode(asked, type=dict[str, msgspec.Raw])
    return msgspec.Raw(encode_fields({**options, "include_usage": True}))
