"""What a change would do to one request, before it is made: nothing is written, nothing is sent."""

from __future__ import annotations

from functions.routing_rules.answers import Tried
from functions.routing_rules.route import explained_from
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import NewRule
from shared.completion.admit import Asked
from shared.completion.router import Router
from shared.errors import SwitchyardError


async def try_rule(router: Router, rules: Rules, asked: Asked, rule: NewRule) -> Tried:
    """Raises what adding the rule would, and what the request would be answered with after it."""
    snapshot = router.snapshot
    drafted = await rules.draft(rule, snapshot)
    try:
        was = await explained_from(router, asked, snapshot)
    except SwitchyardError:
        was = None
    return Tried(was, await explained_from(router, asked, drafted))
