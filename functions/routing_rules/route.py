"""Where a request would go, without sending it: asked of the same code that a completion asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import msgspec

from functions.routing_rules.explain import Explanation, Moment, explained
from shared.auth.caller import Caller, Role
from shared.auth.own_keys import OwnKeys
from shared.auth.want import want_of
from shared.catalog.known_models import KnownModelsKeeper
from shared.catalog.watch import SnapshotKeeper
from shared.errors import InvalidField, NotAllowed
from shared.health.circuits_exchange import CircuitTable
from shared.resources import opener
from shared.routing.choose import choose
from shared.routing.order import draw, order
from shared.routing.snapshot import Tier
from shared.upstream.platform_access import PlatformAccess
from shared.wire.chat.request import decode_chat


class Router:
    """Asks of this process's memory, and of the database for keys that are not in it."""

    def __init__(
        self,
        *,
        keeper: SnapshotKeeper,
        access: PlatformAccess,
        own_keys: OwnKeys,
        circuits: CircuitTable,
        known: KnownModelsKeeper,
    ) -> None:
        self._keeper = keeper
        self._access = access
        self._own_keys = own_keys
        self._circuits = circuits
        self._known = known

    async def explain(
        self,
        body: bytes,
        caller: Caller,
        headers: Mapping[bytes, bytes],
        *,
        tier: str | None = None,
        user: str | None = None,
    ) -> Explanation:
        """Raises what a completion would be answered with where nothing can serve it.

        `tier` and `user` stand in for the caller's own; only an admin may name others.
        """
        caller = _as(caller, tier, user)
        chat = decode_chat(body)
        snapshot = self._keeper.snapshot
        own_keys = await self._own_keys.load(caller.user_id)
        want = want_of(chat, caller, headers, self._access.keyed(snapshot), own_keys)
        known = await self._known.wanted(snapshot, want)
        # All of a large catalog takes a while, and others wait for the loop.
        choice = await asyncio.to_thread(choose, snapshot, want, known, enough=None)
        session = _session(headers) or chat.session
        table = self._circuits
        ordered = order(
            draw(choice, session or ""),
            table.blocks,
            prompt_tokens=want.prompt_tokens,
            now_s=table.clock(),
        )
        circuits = {(slug, model): news for slug, model, news in table.states()}
        moment = Moment(table.blocks, circuits, table.clock())
        return explained(ordered, want, session, moment)


@opener
async def open_router(
    keeper: SnapshotKeeper,
    access: PlatformAccess,
    own_keys: OwnKeys,
    circuits: CircuitTable,
    known: KnownModelsKeeper,
) -> AsyncGenerator[Router]:
    yield Router(keeper=keeper, access=access, own_keys=own_keys, circuits=circuits, known=known)


def _as(caller: Caller, tier: str | None, user: str | None) -> Caller:
    if tier is None and user is None:
        return caller
    if caller.role is not Role.ADMIN:
        raise NotAllowed("Only an admin may ask for others.", code="admin_required")
    if tier is not None and tier not in tuple(Tier):
        raise InvalidField(f"There is no such tier; use one of: {', '.join(Tier)}.", param="tier")
    return msgspec.structs.replace(
        caller,
        tier=caller.tier if tier is None else Tier(tier),
        user_id=caller.user_id if user is None else user,
        allowed_models=None,
    )


def _session(headers: Mapping[bytes, bytes]) -> str | None:
    value = headers.get(b"x-session-id")
    return value.decode("latin-1") if value else None
