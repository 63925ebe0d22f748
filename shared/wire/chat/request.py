"""A chat completion request: the fields we route on, typed; every other field as it came.

The body is decoded once, into its top-level fields as raw JSON: a key that came twice is there
once (the last one wins, as in every JSON decoder in use), and a field that we do not know is passed
on byte for byte. Field names: the OpenAI API reference, "Create chat completion".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.errors import InvalidField, MalformedBody
from shared.wire.chat.labels import labels_said, take_tags
from shared.wire.chat.prompt import Message, Prompt, read_prompt
from shared.wire.chat.steering import refuse_steering, steers_a_proxy
from shared.wire.json_bounds import check_json
from shared.wire.text import MAX_TEXT, is_name

OWN_FIELDS = frozenset(
    {"power_level", "task_type", "models", "max_cost_usd", "privacy_required", "drop_params"}
)
"""Fields that speak to Switchyard alone and never go upstream."""

MAX_FIELDS = 1000
MAX_MESSAGES = 10_000
MAX_MODELS = 32
MAX_TOOLS = 1024
MAX_ANSWERS = 128
"""The most that `n` may be ("Create chat completion")."""


class ChatRequest(msgspec.Struct, frozen=True):
    """`fields` is what goes upstream, as raw JSON by name; the rest is what the router reads.

    `max_tokens` is max_completion_tokens or max_tokens, whichever came, for each of `n` answers.
    `prompt` is how long messages and tools are. `drop_params`: a dialect that cannot honor a field
    leaves it out, where it would refuse the request by that field's name. `left_out`: labels of a
    wrong type and fields that steer a proxy, which are not in `fields`. `end_user`: who the caller
    asks for; `tags`: what for. `wants_schema`: for its JSON. `inputs` have a context each. Texts
    have been guarded.
    """

    fields: dict[str, msgspec.Raw]
    model: str | None
    models: tuple[str, ...]
    power_level: str | None
    task_type: str | None
    max_cost_usd: float | None
    privacy_required: bool
    stream: bool
    include_usage: bool
    max_tokens: int | None
    wants_tools: bool
    wants_json: bool
    prompt: Prompt
    session: str | None
    drop_params: bool = False
    left_out: tuple[str, ...] = ()
    end_user: str | None = None
    n: int = 1
    wants_schema: bool = False
    inputs: int = 1
    tags: tuple[str, ...] = ()


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _ResponseFormat(msgspec.Struct, frozen=True):
    type: str


_body = msgspec.json.Decoder(dict[str, msgspec.Raw])
_messages = msgspec.json.Decoder(list[Message])
_optional_text = msgspec.json.Decoder(str | None)
_optional_texts = msgspec.json.Decoder(tuple[str, ...] | None)
_optional_flag = msgspec.json.Decoder(bool | None)
_optional_count = msgspec.json.Decoder(int | None)
_optional_amount = msgspec.json.Decoder(float | None)
_optional_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_stream_options = msgspec.json.Decoder(_StreamOptions | None)
_response_format = msgspec.json.Decoder(_ResponseFormat | None)

READERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    **dict.fromkeys(("model", "power_level"), _optional_text),
    "models": _optional_texts,
    "max_cost_usd": _optional_amount,
    **dict.fromkeys(("privacy_required", "stream", "drop_params"), _optional_flag),
    "max_tokens": _optional_count,
    "tools": _optional_objects,
}
"""Of the fields that every door reads alike."""

_READERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    **READERS,
    **dict.fromkeys(("max_completion_tokens", "n"), _optional_count),
    "stream_options": _stream_options,
    "response_format": _response_format,
}
"""Of each field that is read here, if it is there at all: most are not."""

_SCHEMAS = frozenset(("tools", "functions", "response_format"))
_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")

T = TypeVar("T")


def decode_chat(body: bytes) -> ChatRequest:
    """Read a request body.

    Raises MalformedBody (not JSON, not UTF-8, not an object, deeper than 64) or InvalidField
    (missing, of the wrong type or refused; `param` names it).
    """
    fields = decode_fields(body)
    refuse_steering(fields)
    prompt = _read_prompt(fields)
    said = read_fields(fields, _READERS)
    labels, odd = labels_said(fields)
    tags, half = take_tags(fields)
    left_out = (*odd, *half, *[name for name in fields if steers_a_proxy(name)])
    stream_options, response_format = said.get("stream_options"), said.get("response_format")
    return ChatRequest(
        model=name_said(said, "model"),
        models=models_said(said.get("models")),
        power_level=name_said(said, "power_level"),
        task_type=labels.get("task_type"),
        max_cost_usd=said.get("max_cost_usd"),
        privacy_required=said.get("privacy_required") or False,
        stream=said.get("stream") or False,
        include_usage=stream_options is not None and stream_options.include_usage,
        max_tokens=max_tokens_said(said, "max_completion_tokens", "max_tokens"),
        wants_tools="tools" in said and has_tools(said["tools"]),
        wants_json=response_format is not None and response_format.type != "text",
        wants_schema=response_format is not None and response_format.type == "json_schema",
        prompt=prompt,
        session=labels.get("prompt_cache_key") or labels.get("user"),
        end_user=labels.get("safety_identifier") or labels.get("user"),
        drop_params=said.get("drop_params") or False,
        fields=to_send(fields, left_out),
        left_out=left_out,
        n=_answers(said.get("n")),
        tags=tags,
    )


def to_send(fields: dict[str, msgspec.Raw], left_out: tuple[str, ...]) -> dict[str, msgspec.Raw]:
    """The fields that go upstream."""
    if not left_out and OWN_FIELDS.isdisjoint(fields):
        return fields
    kept = fields.keys() - OWN_FIELDS - set(left_out)
    return {name: raw for name, raw in fields.items() if name in kept}


def has_tools(tools: list[object] | None) -> bool:
    """Raises InvalidField for more than MAX_TOOLS."""
    check_number("tools", len(tools or ()), MAX_TOOLS)
    return bool(tools)


def max_tokens_said(said: dict[str, Any], *names: str) -> int | None:
    """The first of the names that came. Raises InvalidField below 1."""
    for name in names:
        most: int | None = said.get(name)
        if most is not None:
            if most < 1:
                raise InvalidField("max_tokens must be at least 1.", param="max_tokens")
            return most
    return None


def decode_fields(body: bytes) -> dict[str, msgspec.Raw]:
    """The fields at the top of a body. Raises MalformedBody, as decode_chat."""
    check_json(body)
    try:
        if not body.isascii():
            body.decode()
        fields = _body.decode(body)
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not valid UTF-8.", code="invalid_utf8") from error
    except msgspec.ValidationError as error:
        raise MalformedBody("The body must be a JSON object.") from error
    except msgspec.DecodeError as error:
        raise MalformedBody(f"The body is not valid JSON: {error}.") from error
    if len(fields) > MAX_FIELDS:
        raise MalformedBody(
            f"The body has {len(fields)} fields; send {MAX_FIELDS} at most.", code="json_too_large"
        )
    return fields


def _read_prompt(fields: dict[str, msgspec.Raw]) -> Prompt:
    raw = fields.get("messages")
    if raw is None:
        raise InvalidField(
            "'messages' is missing: send a list of messages, each with a role and content.",
            param="messages",
            code="missing_required_parameter",
        )
    messages = decode_field("messages", raw, _messages)
    if not messages:
        raise InvalidField("'messages' is empty: send at least one message.", param="messages")
    check_number("messages", len(messages), MAX_MESSAGES)
    if _SCHEMAS.isdisjoint(fields):
        return read_prompt(messages, [])
    return read_prompt(messages, [bytes(fields[name]) for name in _SCHEMAS if name in fields])


def _answers(n: int | None) -> int:
    if n is None:
        return 1
    if not 1 <= n <= MAX_ANSWERS:
        raise InvalidField(f"n must be from 1 to {MAX_ANSWERS}.", param="n")
    return n


def check_number(name: str, number: int, most: int) -> None:
    """Raises InvalidField, with OpenAI's code for it, where a list is longer than `most`."""
    if number > most:
        raise InvalidField(
            f"'{name}' has {number} entries; send {most} at most.",
            param=name,
            code="array_above_max_length",
        )


def name_said(said: dict[str, Any], field: str) -> str | None:
    """Raises InvalidField for what can name nothing."""
    name: str | None = said.get(field)
    if name:
        check_name(name, field)
    return name


def models_said(names: tuple[str, ...] | None) -> tuple[str, ...]:
    """Raises InvalidField for too many, and for one that can name nothing."""
    if names is None:
        return ()
    check_number("models", len(names), MAX_MODELS)
    for number, name in enumerate(names):
        check_name(name, f"models[{number}]")
    return names


def check_name(name: str, param: str) -> None:
    """Raises InvalidField for what cannot name a model or a level."""
    if not is_name(name):
        raise InvalidField(
            f"'{param}' must be 1 to {MAX_TEXT} visible ASCII characters.", param=param
        )


def read_fields(
    fields: dict[str, msgspec.Raw], readers: Mapping[str, msgspec.json.Decoder[Any]]
) -> dict[str, Any]:
    """Of the fields that are there, those that have a reader. Raises InvalidField."""
    there = [name for name in fields if name in readers]
    return {name: decode_field(name, fields[name], readers[name]) for name in there}


def decode_field(name: str, raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises InvalidField, whose `param` is `name` and the place within it."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        param = name + (place["place"] if place else "")
        raise InvalidField(
            f"'{param}' is invalid: {_PLACE.sub('', text).lower()}.",
            param=param,
            code="invalid_type",
        ) from error


_encode = msgspec.json.Encoder().encode


def encode_fields(fields: dict[str, Any]) -> bytes:
    """The JSON object of `fields`; values that are raw JSON go out as they came."""
    return _encode(fields)


def raw_json(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
