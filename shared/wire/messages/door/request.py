"""A request of the Messages API: the fields we route on, typed; every other one as it came.

Field names: anthropic-sdk-python, types/message_create_params.py; our own are those of chat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.labels import take_tags
from shared.wire.chat.request import (
    MAX_MESSAGES,
    READERS,
    ChatRequest,
    check_number,
    decode_field,
    decode_fields,
    has_tools,
    max_tokens_said,
    models_said,
    name_said,
    read_fields,
    to_send,
)
from shared.wire.chat.steering import refuse_steering, steers_a_proxy
from shared.wire.messages.door.prompt import Content, Turn, read_prompt
from shared.wire.text import clean_or_none

MAX_USER_ID: Final = 256
"""Characters of `metadata.user_id` (API reference, "Messages", body)."""

FORWARDED: Final = (b"anthropic-version", b"anthropic-beta")
_SENDABLE: Final = re.compile(rb"[ -~]{1,4096}")


class MessagesRequest(ChatRequest, frozen=True):
    """`fields` are Anthropic's. `head`: header lines that go to whoever speaks Messages too."""

    head: bytes = b""


class _Metadata(msgspec.Struct, frozen=True):
    user_id: str | None = None


class _Format(msgspec.Struct, frozen=True):
    type: str = ""


class _OutputConfig(msgspec.Struct, frozen=True):
    format: _Format | None = None


_turns = msgspec.json.Decoder(list[Turn])
_content = msgspec.json.Decoder(Content | None)
_text = msgspec.json.Decoder(str | None)
_metadata = msgspec.json.Decoder(_Metadata | None)
_output_config = msgspec.json.Decoder(_OutputConfig | None)

_READERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    **READERS,
    "system": _content,
    "task_type": _text,
    "output_config": _output_config,
}
_SCHEMAS: Final = ("tools", "output_config")


def decode_messages(body: bytes, headers: Mapping[bytes, bytes]) -> MessagesRequest:
    """Read a request.

    Raises MalformedBody (not JSON, not UTF-8, not an object, deeper than 64) or InvalidField
    (missing or of the wrong type; `param` names it).
    """
    fields = decode_fields(body)
    refuse_steering(fields)
    turns = _turns_of(fields)
    said = read_fields(fields, _READERS)
    schemas = [bytes(fields[name]) for name in _SCHEMAS if name in fields]
    config = said.get("output_config")
    user, odd = _user_of(fields)
    tags, half = take_tags(fields)
    left_out = (*odd, *half, *[name for name in fields if steers_a_proxy(name)])
    return MessagesRequest(
        fields=to_send(fields, left_out),
        model=name_said(said, "model"),
        models=models_said(said.get("models")),
        power_level=name_said(said, "power_level"),
        task_type=clean_or_none(said.get("task_type")),
        max_cost_usd=said.get("max_cost_usd"),
        privacy_required=said.get("privacy_required") or False,
        stream=said.get("stream") or False,
        include_usage=True,
        max_tokens=max_tokens_said(said, "max_tokens"),
        wants_tools=has_tools(said.get("tools")),
        wants_json=config is not None and config.format is not None,
        wants_schema=config is not None and config.format is not None,
        prompt=read_prompt(turns, said.get("system") or "", schemas),
        session=user,
        drop_params=said.get("drop_params") or False,
        left_out=left_out,
        end_user=user,
        tags=tags,
        head=_head(headers),
    )


def _turns_of(fields: dict[str, msgspec.Raw]) -> list[Turn]:
    raw = fields.get("messages")
    if raw is None:
        raise InvalidField(
            "'messages' is missing: send a list of messages, each with a role and content.",
            param="messages",
            code="missing_required_parameter",
        )
    turns = decode_field("messages", raw, _turns)
    if not turns:
        raise InvalidField("'messages' is empty: send at least one message.", param="messages")
    check_number("messages", len(turns), MAX_MESSAGES)
    return turns


def _user_of(fields: dict[str, msgspec.Raw]) -> tuple[str | None, tuple[str, ...]]:
    """For whom the caller asks; a label of a wrong type is left out and named."""
    if "metadata" not in fields:
        return None, ()
    try:
        metadata = _metadata.decode(fields["metadata"])
    except msgspec.ValidationError:
        return None, ("metadata",)
    user = metadata.user_id if metadata is not None else None
    return clean_or_none(user, MAX_USER_ID), ()


def _head(headers: Mapping[bytes, bytes]) -> bytes:
    lines = ((name, headers.get(name, b"")) for name in FORWARDED)
    return b"".join(
        b"%b: %b\r\n" % (name, value) for name, value in lines if _SENDABLE.fullmatch(value)
    )
