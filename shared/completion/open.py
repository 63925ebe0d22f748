"""Opens what completes requests, for each door that asks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from shared.auth.authenticator import Authenticator
from shared.auth.key_check import KeyChecks
from shared.auth.open_vault import PlatformKeys, Vault
from shared.auth.own_keys import OwnKeys
from shared.catalog.watch import SnapshotKeeper
from shared.completion.admit import Admission, names_of
from shared.completion.attempts import Attempts
from shared.completion.deliver import Delivery
from shared.completion.own_key_watch import OwnKeyWatch
from shared.completion.report import Reporter
from shared.completion.router import Router
from shared.completion.serve import Completions
from shared.completion.targets import Targets
from shared.completion.usage_writer import UsageWriter
from shared.db.connect import Database
from shared.limits.holds import Holds
from shared.limits.open import Limits
from shared.limits.quotes import Quotes
from shared.resources import opener
from shared.settings import CompletionSettings, SpoolSettings, UpstreamSettings
from shared.spool.open import Shipper, Spool
from shared.telemetry.settings import TraceSettings
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.transport import Transport


@opener
async def open_completions(
    authenticator: Authenticator,
    keeper: SnapshotKeeper,
    own_keys: OwnKeys,
    router: Router,
    access: PlatformAccess,
    litellm: LiteLLMProxy | None,
    platform_keys: PlatformKeys,
    vault: Vault,
    checks: KeyChecks,
    database: Database,
    limits: Limits,
    quotes: Quotes,
    spool: Spool,
    shipper: Shipper,
    settings: CompletionSettings,
    spooling: SpoolSettings,
    way_out: UpstreamSettings,
    tracing: TraceSettings,
) -> AsyncGenerator[Completions]:
    transport = Transport.from_settings(way_out)
    targets = Targets(access=access, litellm=litellm, vault=vault)
    watch = OwnKeyWatch(own_keys, checks, vault, database)
    keeper.on_change("keys", targets.forget_own)
    keeper.on_change("keys", watch.forget)
    reporter = Reporter()
    sends_on = shipper if spooling.ephemeral else None
    usage = UsageWriter(spool, reporter, sends_on, holds=Holds(limits, keeper, access.urls))
    attempts = Attempts(
        transport=transport,
        targets=targets,
        usage=usage,
        circuits=router.circuits,
        deadline_s=settings.request_deadline_s,
        on_key_failed=watch.note,
    )
    named_by, keeps_traces = names_of(settings.end_user_headers), tracing.endpoint is not None
    try:
        yield Completions(
            admission=Admission(
                *(authenticator, keeper, named_by), keeps_traces=keeps_traces, quotes=quotes
            ),
            router=router,
            attempts=attempts,
            delivery=Delivery(usage, router.circuits),
        )
    finally:
        await watch.aclose()
        await transport.aclose()
        reporter.flush()
