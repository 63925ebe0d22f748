"""A request of the Responses API: the fields we route on, typed; every other one as it came.

Field names: openai-python, types/responses/response_create_params.py; our own are those of chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.labels import labels_said, take_tags
from shared.wire.chat.request import (
    MAX_MESSAGES,
    READERS,
    ChatRequest,
    check_number,
    decode_fields,
    has_tools,
    max_tokens_said,
    models_said,
    name_said,
    read_fields,
    to_send,
)
from shared.wire.chat.steering import refuse_steering, steers_a_proxy
from shared.wire.responses.held import Held, Ids, not_yours
from shared.wire.responses.prompt import Items, read_prompt


class ResponsesRequest(ChatRequest, frozen=True):
    """`fields` are those of Responses. `user`: who asks.

    `held`: where the conversation is that it continues, or whose sealed thoughts are in it.
    """

    held: Held | None = None
    user: str = ""


class _Format(msgspec.Struct, frozen=True):
    type: str = "text"


class _Text(msgspec.Struct, frozen=True):
    format: _Format | None = None


_text = msgspec.json.Decoder(str | None)
_input = msgspec.json.Decoder(str | list[dict[str, msgspec.Raw]])
_output = msgspec.json.Decoder(_Text | None)
_flag = msgspec.json.Decoder(bool | None)

_READERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    **READERS,
    "input": _input,
    "instructions": _text,
    "max_output_tokens": msgspec.json.Decoder(int | None),
    "text": _output,
    "store": _flag,
    "background": _flag,
    "previous_response_id": _text,
}
_SCHEMAS: Final = ("tools", "text")


def decode_responses(body: bytes, _headers: Mapping[bytes, bytes], *, ids: Ids) -> ResponsesRequest:
    """Read a request.

    Raises MalformedBody (not JSON, not UTF-8, not an object, deeper than 64) or InvalidField
    (missing, of the wrong type, or what no stateless gateway can do; `param` names it).
    """
    fields = decode_fields(body)
    refuse_steering(fields)
    said = read_fields(fields, _READERS)
    items = _items(said, fields)
    _refuse_what_is_not_served(fields, said)
    labels, odd = labels_said(fields)
    tags, half = take_tags(fields)
    left_out = (*odd, *half, *[name for name in fields if steers_a_proxy(name)])
    text = said.get("text")
    kind = text.format.type if text is not None and text.format is not None else "text"
    schemas = [bytes(fields[name]) for name in _SCHEMAS if name in fields]
    return ResponsesRequest(
        fields=to_send(fields, left_out),
        model=name_said(said, "model"),
        models=models_said(said.get("models")),
        power_level=name_said(said, "power_level"),
        task_type=labels.get("task_type"),
        max_cost_usd=said.get("max_cost_usd"),
        privacy_required=said.get("privacy_required") or False,
        stream=said.get("stream") or False,
        include_usage=True,
        max_tokens=max_tokens_said(said, "max_output_tokens"),
        wants_tools=has_tools(said.get("tools")),
        wants_json=kind != "text",
        wants_schema=kind == "json_schema",
        prompt=read_prompt(said.get("instructions"), items, schemas),
        session=labels.get("prompt_cache_key") or labels.get("user"),
        end_user=labels.get("safety_identifier") or labels.get("user"),
        drop_params=said.get("drop_params") or False,
        left_out=left_out,
        tags=tags,
        held=_held(said.get("previous_response_id"), fields, ids),
    )


def claimed(request: ChatRequest, user: str) -> ChatRequest:
    """The request as one of `user`'s. Raises InvalidField where what it continues is another's."""
    if not isinstance(request, ResponsesRequest):
        return request
    held = request.held
    if held is not None and held.user != user:
        raise not_yours("previous_response_id" if held.response else "input")
    return msgspec.structs.replace(request, user=user)


def _held(previous: str | None, fields: dict[str, msgspec.Raw], ids: Ids) -> Held | None:
    """Raises InvalidField for what was not sealed here, and for what lies in several places."""
    held = ids.holder(previous) if previous else None
    if previous and held is None:
        raise not_yours("previous_response_id")
    places = [one for one in (held, *ids.marked(bytes(fields.get("input", b"")))) if one]
    for one in places:
        if (one.user, one.account) != (places[0].user, places[0].account):
            raise InvalidField(
                "The items bear the encrypted content of several providers or keys, which no one"
                " of them can read: leave that of all but the last out.",
                param="input",
                code="invalid_encrypted_content",
            )
    return places[0] if places else None


def _items(said: dict[str, Any], fields: dict[str, msgspec.Raw]) -> Items:
    items: Items | None = said.get("input")
    if items is None and "prompt" not in fields:
        raise InvalidField(
            "'input' is missing: send a text or a list of items.",
            param="input",
            code="missing_required_parameter",
        )
    if not items and "prompt" not in fields and not said.get("previous_response_id"):
        raise InvalidField("'input' is empty: send a text or an item.", param="input")
    if isinstance(items, list):
        check_number("input", len(items), MAX_MESSAGES)
    return items or ""


def _refuse_what_is_not_served(fields: dict[str, msgspec.Raw], said: dict[str, Any]) -> None:
    """Raises InvalidField for what would outlive the request without an owner."""
    if said.get("background"):
        raise InvalidField(
            "Responses are made while you wait: leave 'background' out.",
            param="background",
            code="unsupported_parameter",
        )
    if bytes(fields.get("conversation", b"null")) != b"null":
        raise InvalidField(
            "Nobody holds conversations here: leave 'conversation' out and send the items, or"
            " continue by 'previous_response_id'.",
            param="conversation",
            code="unsupported_parameter",
        )
