"""The bill of materials of chat_completions: its route, its settings, what it opens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from functions.chat_completions.complete import Completions
from functions.chat_completions.handler import PATHS, Endpoint, chat_completions
from functions.chat_completions.openapi import operation
from functions.chat_completions.report import Reporter
from functions.chat_completions.settle import Books
from functions.chat_completions.targets import Targets
from shared.auth.authenticator import Authenticator, open_authenticator
from shared.db.connect import open_database
from shared.db.watch import SnapshotKeeper, open_snapshot
from shared.dispatch import open_dispatch
from shared.function import Function
from shared.resources import Resources
from shared.settings import (
    CompletionSettings,
    DatabaseSettings,
    ProviderSettings,
    RedisSettings,
    SpoolSettings,
    TryOutSettings,
)
from shared.upstream.transport import Transport
from shared.usage.open import open_usage
from shared.usage.redis import open_redis
from shared.usage.shipper import Shipper
from shared.usage.spool import Spool


@asynccontextmanager
async def open_completions(resources: Resources) -> AsyncGenerator[None]:
    settings = resources.settings
    transport = Transport()
    targets = Targets.from_settings(transport, settings[ProviderSettings], settings[TryOutSettings])
    reporter = Reporter()
    completions = Completions(
        transport=transport,
        targets=targets,
        books=Books(
            resources.get(Spool),
            reporter,
            shipper=resources.get(Shipper) if settings[SpoolSettings].ephemeral else None,
            refuses_unpriced=settings[CompletionSettings].unpriced_policy == "refuse",
        ),
        deadline_s=settings[CompletionSettings].request_deadline_s,
    )
    resources.put(
        Endpoint(resources.get(Authenticator), resources.get(SnapshotKeeper), completions)
    )
    try:
        yield
    finally:
        await transport.aclose()
        reporter.flush()


CHAT_COMPLETIONS = Function(
    name="chat_completions",
    handlers=[chat_completions],
    settings=[
        CompletionSettings,
        DatabaseSettings,
        ProviderSettings,
        RedisSettings,
        SpoolSettings,
        TryOutSettings,
    ],
    opens=[
        open_database,
        open_snapshot,
        open_authenticator,
        open_redis,
        open_dispatch,
        open_usage,
        open_completions,
    ],
    operations={path: {"post": operation(path)} for path in PATHS},
)
