"""What a change would do to one request, or would have done to the last, before it is made."""

from __future__ import annotations

from typing import cast

from msgspec import UnsetType

from functions.routing_rules.answers import Tried
from functions.routing_rules.requests import Change
from functions.routing_rules.route import explained_from
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import NewRule
from shared.completion.admit import Asked
from shared.completion.router import Router
from shared.db.audit import Actor
from shared.errors import InvalidField, SwitchyardError
from shared.replay.decide import Outcome
from shared.replay.dry_run import (
    DryRuns,
    NewPriceOf,
    adding_rule,
    setting_alias,
    setting_limit,
    setting_price,
)


async def try_rule(router: Router, rules: Rules, asked: Asked, rule: NewRule) -> Tried:
    """Raises what adding the rule would, and what the request would be answered with after it."""
    snapshot = router.snapshot
    drafted = await rules.draft(rule, snapshot)
    try:
        was = await explained_from(router, asked, snapshot)
    except SwitchyardError:
        was = None
    return Tried(was, await explained_from(router, asked, drafted))


async def try_on_last(runs: DryRuns, change: Change, last: int, actor: Actor) -> Outcome:
    """Raises what making the change would, and InvalidField unless it is one."""
    if len(change.given) != 1:
        raise InvalidField(
            f"Try one change: one of {', '.join(change.__struct_fields__)}.", param="change"
        )
    if not isinstance(change.limit, UnsetType):
        return await runs.of_limit(setting_limit(change.limit, actor), last)
    if not isinstance(change.rule, UnsetType):
        made = adding_rule(change.rule, actor)
    elif not isinstance(change.alias, UnsetType):
        made = setting_alias(change.alias, actor)
    else:
        made = setting_price(cast(NewPriceOf, change.price), actor)
    return await runs.of_catalog(made, last)
