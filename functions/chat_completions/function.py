"""The bill of materials of chat_completions: its route, its settings, what it opens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from functions.chat_completions.complete import Completions
from functions.chat_completions.handler import PATHS, Endpoint, chat_completions
from functions.chat_completions.openapi import operation
from functions.chat_completions.own_key_watch import OwnKeyWatch
from functions.chat_completions.plan import Planner
from functions.chat_completions.report import Reporter
from functions.chat_completions.settle import UsageWriter
from functions.chat_completions.targets import Targets
from shared.auth.authenticator import Authenticator, open_authenticator
from shared.auth.key_check import KeyChecks, open_key_checks
from shared.auth.open_vault import open_platform_keys, open_vault
from shared.auth.own_keys import OwnKeys, open_own_keys
from shared.catalog.known_models import KnownModelsKeeper, open_known_models
from shared.catalog.watch import SnapshotKeeper, open_snapshot
from shared.db.connect import Database, open_database
from shared.function import Function
from shared.health.circuits_exchange import open_circuits
from shared.health.circuits_table import CircuitTable
from shared.jobs import open_dispatch
from shared.keyspace import open_redis
from shared.resources import Resources
from shared.settings import (
    CompletionSettings,
    DatabaseSettings,
    LiteLLMSettings,
    ProviderSettings,
    RedisSettings,
    SpoolSettings,
    TryOutSettings,
    UsageQueueSettings,
    VaultSettings,
)
from shared.spool.open import open_usage
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.upstream.litellm import LiteLLMProxy, open_litellm
from shared.upstream.platform_access import PlatformAccess, open_platform_access
from shared.upstream.transport import Transport
from shared.vault.sealing import Vault


@asynccontextmanager
async def open_completions(resources: Resources) -> AsyncGenerator[None]:
    settings, vault = resources.settings, resources.get(Vault)
    keeper, own_keys = resources.get(SnapshotKeeper), resources.get(OwnKeys)
    transport = Transport()
    targets = Targets(
        access=resources.get(PlatformAccess),
        litellm=resources.get(LiteLLMProxy) if resources.has(LiteLLMProxy) else None,
        vault=vault,
    )
    watch = OwnKeyWatch(own_keys, resources.get(KeyChecks), vault, resources.get(Database))
    keeper.on_change("keys", targets.forget_own)
    keeper.on_change("keys", watch.forget)
    reporter = Reporter()
    completions = Completions(
        transport=transport,
        targets=targets,
        books=UsageWriter(
            resources.get(Spool),
            reporter,
            shipper=resources.get(Shipper) if settings[SpoolSettings].ephemeral else None,
            refuses_unpriced=settings[CompletionSettings].unpriced_policy == "refuse",
        ),
        deadline_s=settings[CompletionSettings].request_deadline_s,
        circuits=resources.get(CircuitTable),
        on_key_failed=watch.note,
    )
    planner = Planner(resources.get(KnownModelsKeeper))
    resources.put(Endpoint(resources.get(Authenticator), keeper, own_keys, planner, completions))
    try:
        yield
    finally:
        await watch.aclose()
        await transport.aclose()
        reporter.flush()


CHAT_COMPLETIONS = Function(
    name="chat_completions",
    handlers=[chat_completions],
    settings=[
        CompletionSettings,
        DatabaseSettings,
        LiteLLMSettings,
        ProviderSettings,
        RedisSettings,
        SpoolSettings,
        TryOutSettings,
        UsageQueueSettings,
        VaultSettings,
    ],
    opens=[
        open_vault,
        open_platform_keys,
        open_database,
        open_snapshot,
        open_authenticator,
        open_own_keys,
        open_known_models,
        open_key_checks,
        open_redis,
        open_circuits,
        open_dispatch,
        open_usage,
        open_litellm,
        open_platform_access,
        open_completions,
    ],
    operations={path: {"post": operation(path)} for path in PATHS},
)
