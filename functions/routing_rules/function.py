"""The bill of materials of routing_rules."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from functions.routing_rules import handler
from functions.routing_rules.route import Router
from functions.routing_rules.rules import Rules
from shared.auth.authenticator import open_authenticator
from shared.auth.own_keys import OwnKeys, open_own_keys
from shared.catalog.known_models import KnownModelsKeeper, open_known_models
from shared.catalog.watch import SnapshotKeeper, open_snapshot
from shared.db.connect import Database, open_database
from shared.function import Function
from shared.health.circuits_exchange import open_circuits
from shared.health.circuits_table import CircuitTable
from shared.keyspace import open_redis
from shared.resources import Resources
from shared.settings import (
    DatabaseSettings,
    LiteLLMSettings,
    ProviderSettings,
    RedisSettings,
    TryOutSettings,
)
from shared.upstream.platform_access import PlatformAccess, open_platform_access


@asynccontextmanager
async def open_rules(resources: Resources) -> AsyncGenerator[None]:
    keeper = resources.get(SnapshotKeeper)
    resources.put(Rules(resources.get(Database), keeper))
    resources.put(
        Router(
            keeper=keeper,
            access=resources.get(PlatformAccess),
            own_keys=resources.get(OwnKeys),
            circuits=resources.get(CircuitTable),
            known=resources.get(KnownModelsKeeper),
        )
    )
    yield


ROUTING_RULES = Function(
    name="routing_rules",
    handlers=[
        handler.route,
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
    settings=[
        DatabaseSettings,
        LiteLLMSettings,
        ProviderSettings,
        RedisSettings,
        TryOutSettings,
    ],
    opens=[
        open_database,
        open_snapshot,
        open_authenticator,
        open_own_keys,
        open_known_models,
        open_redis,
        open_circuits,
        open_platform_access,
        open_rules,
    ],
)
