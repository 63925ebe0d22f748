"""Where a request goes: the same for who completes it and for who asks beforehand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from shared.auth.caller import Caller
from shared.auth.own_keys import OwnKeys
from shared.beside import beside
from shared.catalog.watch import SnapshotKeeper
from shared.completion.admit import Asked
from shared.completion.wire import Narrow
from shared.errors import InvalidField, SwitchyardError
from shared.health.circuits_exchange import CircuitTable
from shared.pricing.price import PICO_USD_PER_USD
from shared.resources import opener
from shared.routing.allowed import may_ask
from shared.routing.choice import Candidate, Choice
from shared.routing.choose import as_remembered, choose
from shared.routing.fit import RoutingRequest
from shared.routing.levels import AUTO
from shared.routing.order import draw, order
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Snapshot
from shared.upstream.platform_access import PlatformAccess, PricePolicy
from shared.wire.chat.bounded import check_bounded, worst_of
from shared.wire.chat.request import ChatRequest, check_name
from shared.wire.text import clean_bytes

# An own key makes one of each name that anybody thinks of, of 3 KB.
_MAX_REMEMBERED = 1024
_MAX_COST_USD = 10**6
_ENDLESS = 10**30


class Plan(NamedTuple):
    """What a request is to try: `drawn` where all are well, `choice` at this moment.

    `alias` is the first that the request's names were found to be; `stepped_down_from` the level
    that a budget could not pay for.
    """

    request: RoutingRequest
    drawn: Choice
    choice: Choice
    alias: str | None = None
    stepped_down_from: str | None = None

    @property
    def preferred(self) -> Candidate:
        """Who answers when all are well; another is a fallback."""
        return self.drawn.candidates[0]

    def level_of(self, candidate: Candidate) -> str | None:
        """The power level that an answer of `candidate` is given as."""
        level = self.choice.level
        return level.name if level is not None else candidate.model.power_level


class Router:
    """Equal requests against the same snapshot get the remembered choice: O(1) a request."""

    def __init__(
        self,
        *,
        keeper: SnapshotKeeper,
        access: PlatformAccess,
        own_keys: OwnKeys,
        circuits: CircuitTable,
        refuses_unpriced: bool = False,
    ) -> None:
        self.circuits = circuits
        self._refuses_unpriced = refuses_unpriced
        self._keeper = keeper
        self._access = access
        self._own_keys = own_keys
        self._snapshot: Snapshot | None = None
        self._choices: dict[RoutingRequest, Choice] = {}

    async def choose(self, asked: Asked) -> Plan:
        """Where `asked` is to be tried, one after another.

        Waits only for own keys that are not remembered. Raises what `choose` raises, and
        InvalidField for a `max_cost_usd` that is not a positive amount.
        """
        snapshot = self._keeper.snapshot
        request, alias = meant(snapshot, await self._request(asked, snapshot), asked.drawn_by)
        return self._plan(asked, request, self.choice(snapshot, request), alias)

    @property
    def snapshot(self) -> Snapshot:
        """What choices are made from just now."""
        return self._keeper.snapshot

    def step_down(self, asked: Asked, plan: Plan) -> Plan | None:
        """The next lower level that can serve `asked`, instead of `plan`'s; None: there is none."""
        snapshot = self._keeper.snapshot
        name = plan.level_of(plan.preferred)
        level = snapshot.levels_by_name.get(name) if name else None
        lower = [one for one in snapshot.levels if level is not None and one.rank < level.rank]
        for below in sorted(lower, key=lambda one: -one.rank):
            request = msgspec.structs.replace(plan.request, models=(), level=below.name)
            try:
                choice = self.choice(snapshot, request)
            except SwitchyardError:
                # Nothing there can serve it, or the tier may not ask for it.
                continue
            stepped = self._plan(asked, request, choice, plan.alias)
            return stepped._replace(stepped_down_from=plan.stepped_down_from or name)
        return None

    async def explain(self, asked: Asked, snapshot: Snapshot) -> Plan:
        """What `choose` would say of `snapshot`, with every candidate there is and why each other
        one is none.
        """
        request, alias = meant(snapshot, await self._request(asked, snapshot), asked.drawn_by)
        request = msgspec.structs.replace(request, worst=worst_of(asked.chat))
        # All of a large catalog takes a while, and others wait for the loop.
        choice = await beside(choose, snapshot, request, enough=None)
        return self._plan(asked, request, choice, alias)

    def choice(self, snapshot: Snapshot, request: RoutingRequest) -> Choice:
        """What holds for all that ask for the same, at any moment of the snapshot."""
        if snapshot is not self._snapshot or len(self._choices) > _MAX_REMEMBERED:
            self._snapshot = snapshot
            self._choices.clear()
        remembered = as_remembered(snapshot, request)
        choice = self._choices.get(remembered)
        if choice is None:
            choice = self._choices[remembered] = choose(snapshot, request)
        return choice

    async def _request(self, asked: Asked, snapshot: Snapshot) -> RoutingRequest:
        caller = asked.caller
        own_keys = self._own_keys.recall(caller.user_id)
        if own_keys is None:
            own_keys = await self._own_keys.load(caller.user_id)
        funded = self._access.keyed(snapshot)
        request = routing_request(asked.chat, caller, asked.headers, funded, own_keys)
        if self._refuses_unpriced:
            request = msgspec.structs.replace(request, refuses_unpriced=True)
        if asked.quote is not None:
            most = min(asked.quote.most_pico_usd, request.max_cost_pico_usd or _ENDLESS)
            worst = worst_of(asked.chat)
            request = msgspec.structs.replace(request, max_cost_pico_usd=most, worst=worst)
        narrow = asked.wire.narrow
        return request if narrow is None else self._narrowed(asked, request, narrow, snapshot)

    def _narrowed(
        self, asked: Asked, request: RoutingRequest, narrow: Narrow, snapshot: Snapshot
    ) -> RoutingRequest:
        narrowed, may_widen = narrow(asked.chat, request), asked.wire.may_widen
        if may_widen is None or not may_widen(asked.chat):
            return narrowed
        try:
            self.choice(snapshot, meant(snapshot, narrowed, asked.drawn_by)[0])
        except SwitchyardError:
            return request
        return narrowed

    def _plan(
        self, asked: Asked, request: RoutingRequest, choice: Choice, alias: str | None
    ) -> Plan:
        """`choice` in the order of this session and this moment."""
        drawn, circuits = draw(choice, asked.drawn_by), self.circuits
        now_s = circuits.clock()
        tokens = asked.chat.prompt.tokens
        ordered = order(drawn, circuits.blocks, prompt_tokens=tokens, now_s=now_s)
        return Plan(request, drawn, ordered, alias)


def meant(
    snapshot: Snapshot, request: RoutingRequest, session: str
) -> tuple[RoutingRequest, str | None]:
    """`request` with what its names stand for, and the first alias among them."""
    if not snapshot.aliases or not request.models:
        return request, None
    names: list[str] = []
    alias: str | None = None
    allowed = request.allowed_models
    for name in request.models:
        meaning = snapshot.aliases.meaning(name, session)
        names += [name] if meaning is None else meaning.names
        if meaning is None:
            continue
        alias = alias or meaning.alias
        if allowed is not None and may_ask(allowed, name):
            # Who may ask by the alias may have what the operator lets it stand for.
            allowed |= frozenset(meaning.names)
    if alias is None:
        return request, None
    models = tuple(dict.fromkeys(names))
    return msgspec.structs.replace(request, models=models, allowed_models=allowed), alias


def routing_request(
    chat: ChatRequest,
    caller: Caller,
    headers: Mapping[bytes, bytes],
    platform_funded: frozenset[str],
    own_keys: tuple[OwnKey, ...] = (),
) -> RoutingRequest:
    """What the request asks for; a header yields to the body's field of the same meaning.

    Raises InvalidField for a `max_cost_usd` that is not a positive amount, and for what it cannot
    bound.
    """
    prompt, max_cost = chat.prompt, None
    if chat.max_cost_usd is not None:
        max_cost = _pico_usd(chat.max_cost_usd)
        check_bounded(chat)
    return RoutingRequest(
        models=_names(chat),
        level=chat.power_level or _level(headers),
        tier=caller.tier,
        platform_funded=platform_funded,
        own_keys=own_keys,
        allowed_models=caller.allowed_models,
        task_type=chat.task_type or _word(headers, b"x-task-type"),
        streams=chat.stream,
        tools=chat.wants_tools,
        vision=prompt.images > 0,
        audio=prompt.audio is not None,
        files=prompt.files is not None,
        json_mode=chat.wants_json,
        json_schema=chat.wants_schema,
        local_only=chat.privacy_required,
        prompt_tokens=prompt.tokens,
        max_tokens=chat.max_tokens,
        max_cost_pico_usd=max_cost,
        worst=None if max_cost is None else worst_of(chat),
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
    return int(Decimal(str(amount)) * PICO_USD_PER_USD)


def _level(headers: Mapping[bytes, bytes]) -> str | None:
    name = _word(headers, b"x-power-level")
    if name is not None:
        check_name(name, "x-power-level")
    return name


def _word(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = clean_bytes(headers.get(name))
    return value.strip().lower() or None if value else None


@opener
async def open_router(
    keeper: SnapshotKeeper,
    access: PlatformAccess,
    own_keys: OwnKeys,
    circuits: CircuitTable,
    prices: PricePolicy,
) -> AsyncGenerator[Router]:
    yield Router(
        keeper=keeper,
        access=access,
        own_keys=own_keys,
        circuits=circuits,
        refuses_unpriced=prices.refuses_unpriced,
    )
