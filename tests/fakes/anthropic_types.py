"""Holds what went to Anthropic, and what it answered, to the types of the anthropic package."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import anthropic.types as at
from anthropic.types.message_create_params import MessageCreateParamsBase
from pydantic import TypeAdapter

from tests.fakes.recorder import Exchange

_request = TypeAdapter(MessageCreateParamsBase)
_event: TypeAdapter[Any] = TypeAdapter(at.RawMessageStreamEvent)


def hold_request(body: Any) -> None:
    """Raises pydantic.ValidationError."""
    _walk(_request.validate_python(body))


def hold(exchange: Exchange) -> None:
    """Raises pydantic.ValidationError."""
    hold_request(json.loads(exchange.body))
    if b"text/event-stream" not in exchange.raw_answer.partition(b"\r\n\r\n")[0]:
        at.Message.model_validate_json(exchange.answer, strict=True)
        return
    for line in exchange.answer.splitlines():
        data = line.removeprefix(b"data: ")
        if data != line and data != b'{"type":"ping"}':
            _event.validate_json(data)


def _walk(value: Any) -> None:
    """Pydantic looks into an Iterable only when it is gone through."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for one in value:
            _walk(one)
