"""Where a request would go, for its caller; rules, power levels and tiers, for an admin."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UnsetType

from functions.routing_rules.answers import (
    DeletedEntry,
    LevelCard,
    Replayed,
    RuleCard,
    Tried,
    level_card,
    replayed,
    rule_card,
)
from functions.routing_rules.dry_run import try_on_last, try_rule
from functions.routing_rules.explain import Explanation
from functions.routing_rules.requests import DryRun
from functions.routing_rules.route import asking, explain
from shared.answer_errors import MAX_BODY_BYTES
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_scope,
    resources_of,
)
from shared.auth.scope import Scope
from shared.catalog.level_changes import Levels
from shared.catalog.level_checks import ChangeLevel, NewLevel
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import ChangeRule, NewRule
from shared.catalog.watch import SnapshotKeeper
from shared.completion.router import Router
from shared.doors.texts import RELAYS_BODY
from shared.errors import InvalidField
from shared.replay.dry_run import DryRuns
from shared.routing.levels import TierCard, tier_cards
from shared.wire.page import Listed

RULES = "/api/v1/admin/llm/routing-rules"
LEVELS = "/api/v1/admin/llm/power-levels"
_ADMIN = [require_admin]


def rules_of(request: AnyRequest) -> Rules:
    return resources_of(request).get(Rules)


def levels_of(request: AnyRequest) -> Levels:
    return resources_of(request).get(Levels)


@post(
    "/api/v1/llm/route",
    guards=[require_scope(Scope.COMPLETIONS)],
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt=RELAYS_BODY,
)
async def route(
    request: AnyRequest, tier: FromQuery[str | None] = None, user: FromQuery[str | None] = None
) -> Explanation:
    """The ranked candidates of a completion's body, what each would cost, and why others dropped.

    Nothing is sent. An admin may ask with any `tier`, or as any `user`.
    """
    router, body = resources_of(request).get(Router), await request.body()
    return await explain(router, body, caller_of(request), request.scope, tier=tier, user=user)


@post(
    "/api/v1/admin/llm/dry-run",
    guards=_ADMIN,
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
)
async def dry_run(
    request: AnyRequest,
    data: JSONBody[DryRun],
    tier: FromQuery[str | None] = None,
    user: FromQuery[str | None] = None,
) -> Tried | Replayed:
    """Where a request would go with a rule that is not there yet; or what a rule, an alias, a price
    or a limit would have done to the last requests. Nothing is written or sent.
    """
    resources, caller, change = resources_of(request), caller_of(request), data.change
    if not isinstance(data.last, UnsetType):
        if not isinstance(data.request, UnsetType):
            raise InvalidField("Send 'request' or 'last', not both.", param="last")
        runs = resources.get(DryRuns)
        return replayed(await try_on_last(runs, change, data.last, actor_of(request)))
    if isinstance(data.request, UnsetType):
        raise InvalidField(
            "Send the body of a completion as 'request', or how many of the last requests to try"
            " the change on as 'last'.",
            param="request",
        )
    if isinstance(change.rule, UnsetType) or len(change.given) != 1:
        raise InvalidField(
            "A rule alone is tried on one request; try others on the 'last'.", param="change.rule"
        )
    body = msgspec.json.encode(data.request)
    asked = await asking(body, caller, request.scope, tier=tier, user=user)
    return await try_rule(resources.get(Router), rules_of(request), asked, change.rule)


@get(RULES, guards=_ADMIN)
async def list_rules(request: AnyRequest) -> Listed[RuleCard]:
    """Every rule, level by level, in the order they are tried."""
    return Listed([rule_card(row) for row in await rules_of(request).list()])


@post(RULES, guards=_ADMIN)
async def create_rule(request: AnyRequest, data: JSONBody[NewRule]) -> RuleCard:
    """Have a model serve a level; a rule that can never match is refused."""
    return rule_card(await rules_of(request).create(data, actor_of(request)))


@get(RULES + "/{rule_id:int}", guards=_ADMIN)
async def get_rule(request: AnyRequest, rule_id: FromPath[int]) -> RuleCard:
    """One rule."""
    return rule_card(await rules_of(request).find(rule_id))


@patch(RULES + "/{rule_id:int}", guards=_ADMIN)
async def change_rule(
    request: AnyRequest, rule_id: FromPath[int], data: JSONBody[ChangeRule]
) -> RuleCard:
    """Change the fields that are sent; in force in every process within 2 s."""
    return rule_card(await rules_of(request).change(rule_id, data, actor_of(request)))


@delete(RULES + "/{rule_id:int}", guards=_ADMIN, status_code=200)
async def delete_rule(request: AnyRequest, rule_id: FromPath[int]) -> DeletedEntry:
    """Remove a rule; requests are routed without it within 2 s."""
    await rules_of(request).delete(rule_id, actor_of(request))
    return DeletedEntry(rule_id)


@get(LEVELS, guards=_ADMIN)
async def list_levels(request: AnyRequest) -> Listed[LevelCard]:
    """The power levels, cheapest first."""
    return Listed([level_card(row) for row in await levels_of(request).list()])


@post(LEVELS, guards=_ADMIN)
async def create_level(request: AnyRequest, data: JSONBody[NewLevel]) -> LevelCard:
    """Make a power level; a ceiling under every model's price is refused."""
    return level_card(await levels_of(request).create(data, actor_of(request)))


@get(LEVELS + "/{name:str}", guards=_ADMIN)
async def get_level(request: AnyRequest, name: FromPath[str]) -> LevelCard:
    """One power level."""
    return level_card(await levels_of(request).find(name))


@patch(LEVELS + "/{name:str}", guards=_ADMIN)
async def change_level(
    request: AnyRequest, name: FromPath[str], data: JSONBody[ChangeLevel]
) -> LevelCard:
    """Change what is sent of a power level."""
    return level_card(await levels_of(request).change(name, data, actor_of(request)))


@delete(LEVELS + "/{name:str}", guards=_ADMIN, status_code=200)
async def delete_level(request: AnyRequest, name: FromPath[str]) -> DeletedEntry:
    """Delete a level that no rule and no model names."""
    await levels_of(request).delete(name, actor_of(request))
    return DeletedEntry(name)


@get("/api/v1/admin/llm/tiers", guards=_ADMIN, sync_to_thread=False)
def list_tiers(request: AnyRequest) -> Listed[TierCard]:
    """What each tier opens; change the tier of a rule, a model or a provider to change it."""
    return Listed(tier_cards(resources_of(request).get(SnapshotKeeper).snapshot))
