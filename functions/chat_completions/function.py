"""The bill of materials of chat_completions: its route, its settings, what it opens."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from functions.chat_completions.complete import Completions
from functions.chat_completions.handler import PATHS, Endpoint, chat_completions
from functions.chat_completions.openapi import operation
from functions.chat_completions.own_key_watch import OwnKeyWatch
from functions.chat_completions.plan import Planner
from functions.chat_completions.report import Reporter
from functions.chat_completions.settle import UsageWriter
from functions.chat_completions.targets import Targets
from shared.auth.authenticator import Authenticator
from shared.auth.key_check import KeyChecks
from shared.auth.open_vault import PlatformKeys, Vault
from shared.auth.own_keys import OwnKeys
from shared.catalog.known_models import KnownModelsKeeper
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.function import Function
from shared.health.circuits_exchange import CircuitTable
from shared.resources import opener
from shared.settings import CompletionSettings, SpoolSettings
from shared.spool.open import Shipper, Spool
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.transport import Transport


@opener
async def open_endpoint(
    authenticator: Authenticator,
    keeper: SnapshotKeeper,
    own_keys: OwnKeys,
    known: KnownModelsKeeper,
    access: PlatformAccess,
    litellm: LiteLLMProxy | None,
    platform_keys: PlatformKeys,
    vault: Vault,
    checks: KeyChecks,
    database: Database,
    circuits: CircuitTable,
    spool: Spool,
    shipper: Shipper,
    settings: CompletionSettings,
    spooling: SpoolSettings,
) -> AsyncGenerator[Endpoint]:
    transport = Transport()
    targets = Targets(access=access, litellm=litellm, vault=vault)
    watch = OwnKeyWatch(own_keys, checks, vault, database)
    keeper.on_change("keys", targets.forget_own)
    keeper.on_change("keys", watch.forget)
    reporter = Reporter()
    completions = Completions(
        transport=transport,
        targets=targets,
        books=UsageWriter(
            spool,
            reporter,
            shipper=shipper if spooling.ephemeral else None,
            refuses_unpriced=settings.unpriced_policy == "refuse",
        ),
        deadline_s=settings.request_deadline_s,
        circuits=circuits,
        on_key_failed=watch.note,
    )
    try:
        yield Endpoint(authenticator, keeper, own_keys, Planner(known), completions)
    finally:
        await watch.aclose()
        await transport.aclose()
        reporter.flush()


CHAT_COMPLETIONS = Function(
    name="chat_completions",
    handlers=[chat_completions],
    opens=[Endpoint, LiteLLMProxy],
    operations={path: {"post": operation(path)} for path in PATHS},
)
