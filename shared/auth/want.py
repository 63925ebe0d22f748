"""From a request and its caller to what is wanted of the router, which any function may ask."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from shared.auth.caller import Caller
from shared.errors import InvalidField
from shared.routing.fit import RoutingRequest
from shared.routing.levels import AUTO
from shared.routing.own_keys import OwnKey
from shared.wire.chat.request import ChatRequest
from shared.wire.usage import estimate_tokens

_PICO_USD_PER_USD = 10**12
_MAX_COST_USD = 10**6


def want_of(
    chat: ChatRequest,
    caller: Caller,
    headers: Mapping[bytes, bytes],
    keyed: frozenset[str],
    own_keys: tuple[OwnKey, ...] = (),
) -> RoutingRequest:
    """What the request asks for; a header yields to the body's field of the same meaning.

    Raises InvalidField for a `max_cost_usd` that is no amount.
    """
    return RoutingRequest(
        models=_names(chat),
        level=chat.power_level or _header(headers, b"x-power-level"),
        tier=caller.tier,
        platform_funded=keyed,
        own_keys=own_keys,
        allowed_models=caller.allowed_models,
        task_type=chat.task_type or _header(headers, b"x-task-type"),
        streams=chat.stream,
        tools=chat.wants_tools,
        vision=chat.wants_vision,
        json_mode=chat.wants_json,
        local_only=chat.privacy_required,
        prompt_tokens=estimate_tokens(chat.prompt_bytes),
        max_tokens=chat.max_tokens,
        max_cost_pico_usd=None if chat.max_cost_usd is None else _pico_usd(chat.max_cost_usd),
    )


def _names(chat: ChatRequest) -> tuple[str, ...]:
    """`model` and then `models`, as OpenRouter has it; `auto` before a list adds nothing."""
    first = (chat.model,) if chat.model else ()
    if not chat.models:
        return first
    return tuple(dict.fromkeys(name for name in (*first, *chat.models) if name != AUTO))


def _pico_usd(amount: float) -> int:
    if not 0 < amount <= _MAX_COST_USD:
        raise InvalidField(
            f"max_cost_usd must be above 0 and at most {_MAX_COST_USD} USD.", param="max_cost_usd"
        )
    return int(Decimal(str(amount)) * _PICO_USD_PER_USD)


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1").strip().lower() or None if value else None
