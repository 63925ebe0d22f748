"""Where a request would go, for its caller; rules, power levels and tiers, for an admin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from functions.routing_rules.explain import Explanation
from functions.routing_rules.requests import ChangeLevel, ChangeRule, NewLevel, NewRule
from functions.routing_rules.route import explain
from functions.routing_rules.rules import Rules
from functions.routing_rules.tiers import TierCard, tier_cards
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_scope,
    resources_of,
)
from shared.auth.scope import Scope
from shared.catalog.rules import LevelRow, RuleRow
from shared.catalog.watch import SnapshotKeeper
from shared.completion.router import Router

RULES = "/api/v1/admin/llm/routing-rules"
LEVELS = "/api/v1/admin/llm/power-levels"
_ADMIN = [require_admin]


class RuleList(msgspec.Struct, frozen=True):
    data: list[RuleRow]
    object: str = "list"
    next_cursor: str | None = None


class LevelCard(msgspec.Struct, frozen=True):
    """Amounts are numbers, exact: as they are in the table."""

    name: str
    rank: int
    price_ceiling_usd_per_mtok: msgspec.Raw
    ttft_target_ms: int
    may_change_level: bool
    default_max_tokens: int | None
    default_temperature: msgspec.Raw
    updated_at: datetime


class LevelList(msgspec.Struct, frozen=True):
    data: list[LevelCard]
    object: str = "list"
    next_cursor: str | None = None


class TierList(msgspec.Struct, frozen=True):
    data: list[TierCard]
    object: str = "list"
    next_cursor: str | None = None


class DeletedEntry(msgspec.Struct, frozen=True):
    id: int | str
    deleted: bool = True


def _card(row: LevelRow) -> LevelCard:
    return LevelCard(
        name=row.name,
        rank=row.rank,
        price_ceiling_usd_per_mtok=_number(row.price_ceiling_usd_per_mtok),
        ttft_target_ms=row.ttft_target_ms,
        may_change_level=row.may_change_level,
        default_max_tokens=row.default_max_tokens,
        default_temperature=_number(row.default_temperature),
        updated_at=row.updated_at,
    )


def _number(amount: Decimal | None) -> msgspec.Raw:
    """JSON's number, of any precision."""
    return msgspec.Raw(b"null" if amount is None else f"{amount:f}".encode())


def rules_of(request: AnyRequest) -> Rules:
    return resources_of(request).get(Rules)


@post("/api/v1/llm/route", guards=[require_scope(Scope.COMPLETIONS)], status_code=200)
async def route(
    request: AnyRequest, tier: FromQuery[str | None] = None, user: FromQuery[str | None] = None
) -> Explanation:
    """The ranked candidates of a completion's body, what each would cost, and why others dropped.

    Nothing is sent. An admin may ask with any `tier`, or as any `user`.
    """
    router, body = resources_of(request).get(Router), await request.body()
    return await explain(router, body, caller_of(request), request.scope, tier=tier, user=user)


@get(RULES, guards=_ADMIN)
async def list_rules(request: AnyRequest) -> RuleList:
    """Every rule, level by level, in the order they are tried."""
    return RuleList(await rules_of(request).list())


@post(RULES, guards=_ADMIN)
async def create_rule(request: AnyRequest, data: JSONBody[NewRule]) -> RuleRow:
    """Have a model serve a level; a rule that can never match is refused."""
    return await rules_of(request).create(data, actor_of(request))


@get(RULES + "/{rule_id:int}", guards=_ADMIN)
async def get_rule(request: AnyRequest, rule_id: FromPath[int]) -> RuleRow:
    return await rules_of(request).find(rule_id)


@patch(RULES + "/{rule_id:int}", guards=_ADMIN)
async def change_rule(
    request: AnyRequest, rule_id: FromPath[int], data: JSONBody[ChangeRule]
) -> RuleRow:
    """Change the fields that are sent; in force in every process within 2 s."""
    return await rules_of(request).change(rule_id, data, actor_of(request))


@delete(RULES + "/{rule_id:int}", guards=_ADMIN, status_code=200)
async def delete_rule(request: AnyRequest, rule_id: FromPath[int]) -> DeletedEntry:
    await rules_of(request).delete(rule_id, actor_of(request))
    return DeletedEntry(rule_id)


@get(LEVELS, guards=_ADMIN)
async def list_levels(request: AnyRequest) -> LevelList:
    """The power levels, cheapest first."""
    return LevelList([_card(one) for one in await rules_of(request).levels()])


@post(LEVELS, guards=_ADMIN)
async def create_level(request: AnyRequest, data: JSONBody[NewLevel]) -> LevelCard:
    """Make a power level; a ceiling under every model's price is refused."""
    return _card(await rules_of(request).create_level(data, actor_of(request)))


@get(LEVELS + "/{name:str}", guards=_ADMIN)
async def get_level(request: AnyRequest, name: FromPath[str]) -> LevelCard:
    return _card(await rules_of(request).find_level(name))


@patch(LEVELS + "/{name:str}", guards=_ADMIN)
async def change_level(
    request: AnyRequest, name: FromPath[str], data: JSONBody[ChangeLevel]
) -> LevelCard:
    return _card(await rules_of(request).change_level(name, data, actor_of(request)))


@delete(LEVELS + "/{name:str}", guards=_ADMIN, status_code=200)
async def delete_level(request: AnyRequest, name: FromPath[str]) -> DeletedEntry:
    """Delete a level that no rule and no model names."""
    await rules_of(request).delete_level(name, actor_of(request))
    return DeletedEntry(name)


@get("/api/v1/admin/llm/tiers", guards=_ADMIN, sync_to_thread=False)
def list_tiers(request: AnyRequest) -> TierList:
    """What each tier opens; change the tier of a rule, a model or a provider to change it."""
    return TierList(tier_cards(resources_of(request).get(SnapshotKeeper).snapshot))
