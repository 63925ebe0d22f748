"""From a request to the deployments to try, in order: the request's own words and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from shared.auth.caller import Caller
from shared.routing.choose import Choice, choose
from shared.routing.fit import Want
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Snapshot
from shared.wire.chat import ChatRequest
from shared.wire.usage import estimate_tokens

_MAX_REMEMBERED = 4096
_PICO_USD_PER_USD = 10**12


class Planner:
    """Equal wants against the same snapshot get the remembered choice: O(1) a request."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._choices: dict[Want, Choice] = {}

    def plan(self, snapshot: Snapshot, want: Want) -> Choice:
        """Raises what `choose` raises."""
        if snapshot is not self._snapshot or len(self._choices) > _MAX_REMEMBERED:
            self._snapshot = snapshot
            self._choices.clear()
        choice = self._choices.get(want)
        if choice is None:
            choice = self._choices[want] = choose(snapshot, want)
        return choice


def want_of(
    chat: ChatRequest,
    caller: Caller,
    headers: Mapping[bytes, bytes],
    keyed: frozenset[str],
    own_keys: tuple[OwnKey, ...] = (),
) -> Want:
    """What the request asks for; a header yields to the body's field of the same meaning."""
    names = chat.models or ((chat.model,) if chat.model else ())
    return Want(
        models=names,
        level=chat.power_level or _header(headers, b"x-power-level"),
        tier=caller.tier,
        keyed=keyed,
        own_keys=own_keys,
        allowed_models=caller.allowed_models,
        task_type=chat.task_type or _header(headers, b"x-task-type"),
        streams=chat.stream,
        tools=chat.wants_tools,
        vision=chat.wants_vision,
        json_mode=chat.wants_json,
        local_only=chat.privacy_required,
        prompt_tokens=_rounded(estimate_tokens(chat.prompt_bytes)),
        max_tokens=chat.max_tokens,
        max_cost_pico_usd=None
        if chat.max_cost_usd is None
        else int(Decimal(str(chat.max_cost_usd)) * _PICO_USD_PER_USD),
    )


def _rounded(tokens: int) -> int:
    """The next power of two: few enough wants to remember, and never an underestimate."""
    return 1 << max(0, tokens - 1).bit_length()


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1").strip().lower() or None if value else None
