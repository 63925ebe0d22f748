"""A chat completion for a provider that speaks it: patch the model name, ask for usage, pass
everything else through but what this provider does not take."""

from __future__ import annotations

import msgspec

from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.quirks import NO_QUIRKS, Quirks
from shared.wire.translated import Drops, Translated

PATH = "/chat/completions"

_USAGE_ASKED = msgspec.Raw(b'{"include_usage":true}')

_messages = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def write_request(
    chat: ChatRequest,
    model_id: str,
    *,
    quirks: Quirks = NO_QUIRKS,
    max_tokens: int | None = None,
    temperature: float | None = None,
) -> Translated:
    """The body for `model_id`; the defaults go in only where the client sent none (0 stays 0).

    Raises InvalidField, `param` naming the field, where the provider refuses a field that would
    change the answer, unless the client sent `drop_params: true`.
    """
    fields = dict(chat.fields)
    fields["model"] = raw_json(model_id)
    if chat.stream and quirks.takes_stream_options:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    if max_tokens is not None and chat.max_tokens is None:
        fields["max_completion_tokens"] = raw_json(max_tokens)
    if temperature is not None and "temperature" not in fields:
        fields["temperature"] = raw_json(temperature)
    if quirks is NO_QUIRKS:
        return Translated(encode_fields(fields))
    drops = Drops(may_drop=chat.drop_params)
    _adapt(fields, quirks, drops)
    return Translated(encode_fields(fields), drops.names)


def _adapt(fields: dict[str, msgspec.Raw], quirks: Quirks, drops: Drops) -> None:
    """Make `fields` what this provider takes. Raises InvalidField as `Drops.refuse` does."""
    for name, neutral in quirks.refused.items():
        if name in fields and bytes(fields.pop(name)) not in neutral:
            drops.refuse(name, f"This provider does not take '{name}'")
    for name in [name for name in fields if name in quirks.dropped]:
        del fields[name]
        drops.leave_out(name)
    for name, provider_name in quirks.renamed.items():
        if name in fields:
            _rename(fields, name, provider_name, drops)
    if not quirks.takes_stream_options and fields.pop("stream_options", None) is not None:
        drops.leave_out("stream_options")
    if quirks.refused_in_messages:
        _check_messages(fields, quirks.refused_in_messages, drops)


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


def _check_messages(fields: dict[str, msgspec.Raw], refused: frozenset[str], drops: Drops) -> None:
    text = bytes(fields["messages"])
    if not any(b'"%b"' % name.encode() in text for name in refused):
        return
    messages = _messages.decode(text)
    was_changed = False
    for place, message in enumerate(messages):
        for name in refused.intersection(message):
            drops.refuse(
                f"messages[{place}].{name}", f"This provider does not take '{name}' in a message"
            )
            del message[name]
            was_changed = True
    if was_changed:
        fields["messages"] = raw_json(messages)


def _with_usage(asked: msgspec.Raw | None) -> msgspec.Raw:
    if asked is None or bytes(asked) == b"null":
        return _USAGE_ASKED
    options = msgspec.json.decode(asked, type=dict[str, msgspec.Raw])
    return msgspec.Raw(encode_fields({**options, "include_usage": True}))
