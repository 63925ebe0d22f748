"""The bill of materials of routing_rules."""

from __future__ import annotations

from functions.routing_rules import handler
from shared.auth.authenticator import Authenticator
from shared.catalog.level_changes import Levels
from shared.catalog.news.stream import News
from shared.catalog.rule_changes import Rules
from shared.completion.router import Router
from shared.function import Function
from shared.replay.dry_run import DryRuns

ROUTING_RULES = Function(
    name="routing_rules",
    handlers=[
        handler.route,
        handler.dry_run,
        handler.list_rules,
        handler.create_rule,
        handler.get_rule,
        handler.change_rule,
        handler.delete_rule,
        handler.list_levels,
        handler.create_level,
        handler.get_level,
        handler.change_level,
        handler.delete_level,
        handler.list_tiers,
    ],
    opens=[Authenticator, Router, Rules, Levels, News, DryRuns],
)
