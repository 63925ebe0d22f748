"""A request for embeddings: the fields we route on, typed; every other one as it came.

Field names: the OpenAI API reference, "Create embeddings"; our own are those of chat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.labels import labels_said, take_tags
from shared.wire.chat.prompt import Prompt
from shared.wire.chat.request import (
    READERS,
    ChatRequest,
    check_number,
    decode_field,
    decode_fields,
    models_said,
    name_said,
    read_fields,
    to_send,
)
from shared.wire.chat.steering import refuse_steering, steers_a_proxy
from shared.wire.tokens.text import text_weight, tokens_of

MAX_INPUTS: Final = 2048
"""The most that one request may embed ("Create embeddings", input)."""

_AS_TOKENS: Final = re.compile(rb"\s*\[\s*([\[\d])")


class EmbeddingsRequest(ChatRequest, frozen=True):
    """Nothing is said in return, so `max_tokens` is 0. `longest_tokens`: of the longest input, as
    each has the model's context to itself. `wants_base64`: how its vectors are to be written.
    """

    longest_tokens: int = 0
    wants_base64: bool = False


_texts = msgspec.json.Decoder(str | list[str])
_token_lists = msgspec.json.Decoder(list[list[int]])
_token_list = msgspec.json.Decoder(list[int])
_count = msgspec.json.Decoder(int | None)
_text = msgspec.json.Decoder(str | None)

_READERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    **{name: READERS[name] for name in READERS if name not in ("max_tokens", "tools")},
    "dimensions": _count,
    "encoding_format": _text,
}


def decode_embeddings(body: bytes, _headers: Mapping[bytes, bytes]) -> EmbeddingsRequest:
    """Read a request.

    Raises MalformedBody (not JSON, not UTF-8, not an object, deeper than 64) or InvalidField
    (missing, of the wrong type or refused; `param` names it).
    """
    fields = decode_fields(body)
    refuse_steering(fields)
    sizes = _sizes_of(fields)
    said = read_fields(fields, _READERS)
    _check(said)
    labels, odd = labels_said(fields)
    tags, half = take_tags(fields)
    left_out = (*odd, *half, *[name for name in fields if steers_a_proxy(name)])
    return EmbeddingsRequest(
        fields=to_send(fields, left_out),
        model=name_said(said, "model"),
        models=models_said(said.get("models")),
        power_level=None,
        task_type=labels.get("task_type"),
        max_cost_usd=said.get("max_cost_usd"),
        privacy_required=said.get("privacy_required") or False,
        stream=False,
        include_usage=False,
        max_tokens=0,
        wants_tools=False,
        wants_json=False,
        prompt=Prompt(sum(sizes), len(sizes)),
        session=labels.get("user"),
        drop_params=said.get("drop_params") or False,
        left_out=left_out,
        tags=tags,
        end_user=labels.get("safety_identifier") or labels.get("user"),
        inputs=len(sizes),
        longest_tokens=max(sizes),
        wants_base64=said.get("encoding_format") == "base64",
    )


def _check(said: Mapping[str, Any]) -> None:
    if not said.get("model") and not said.get("models"):
        raise InvalidField(
            "'model' is missing: name an embedding model; GET /v1/models lists them.",
            param="model",
            code="missing_required_parameter",
        )
    if said.get("power_level") is not None:
        raise InvalidField(
            "Power levels choose among chat models, and vectors of two models do not mix; name an"
            " embedding model instead.",
            param="power_level",
        )
    if said.get("stream"):
        raise InvalidField("Embeddings are not streamed; leave 'stream' out.", param="stream")
    if said.get("encoding_format") not in (None, "float", "base64"):
        raise InvalidField(
            "encoding_format must be 'float' or 'base64'.",
            param="encoding_format",
            code="invalid_value",
        )
    dimensions = said.get("dimensions")
    if dimensions is not None and dimensions < 1:
        raise InvalidField("dimensions must be at least 1.", param="dimensions")


def _sizes_of(fields: Mapping[str, msgspec.Raw]) -> list[int]:
    """The tokens that each input is: counted where it came as tokens, else an estimate."""
    raw = fields.get("input")
    if raw is None:
        raise InvalidField(
            "'input' is missing: send a text, a list of texts, or token arrays.",
            param="input",
            code="missing_required_parameter",
        )
    begins = _AS_TOKENS.match(memoryview(raw))
    if begins is not None:
        return _checked(_sizes_of_tokens(raw, is_nested=begins[1] == b"["))
    texts = decode_field("input", raw, _texts)
    listed = [texts] if isinstance(texts, str) else texts
    return _checked([tokens_of(text_weight(one)) for one in listed])


def _sizes_of_tokens(raw: msgspec.Raw, *, is_nested: bool) -> list[int]:
    if is_nested:
        return [len(one) for one in decode_field("input", raw, _token_lists)]
    return [len(decode_field("input", raw, _token_list))]


def _checked(sizes: list[int]) -> list[int]:
    if not sizes:
        raise InvalidField("'input' is empty: send at least one text.", param="input")
    check_number("input", len(sizes), MAX_INPUTS)
    return sizes
