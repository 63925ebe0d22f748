"""Asks every provider's free endpoint at once, and says what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from shared.errors import PlatformKeyRefused, ProviderQuotaExhausted, ProviderRejectedKey
from shared.health.hysteresis import is_local_fault
from shared.log import get_logger
from shared.routing.snapshot import Provider
from shared.upstream.check import CheckResult, check_provider
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.transport import Transport
from shared.vault.owner import NotOpened

TIMEOUT_S = 10.0
PAUSES_S = (1.0, 2.0)
"""Before looking again where it seems to be our own network: a moment's fault is no news."""


class Finding(msgspec.Struct, frozen=True):
    """`result` is None where the provider cannot be asked; `what` then says why.

    `what` is None where all is well. `key_fault` is why the platform's key could not be sent: the
    provider was then asked without one, and is not to blame. `is_simulated`: another stood in.
    """

    provider: Provider
    result: CheckResult | None
    what: str | None
    sent_key: bool = False
    key_fault: str | None = None
    is_simulated: bool = False

    @property
    def is_success(self) -> bool:
        return self.result is not None and self.result.is_reachable

    @property
    def is_unconnected(self) -> bool:
        """No connection, or no answer in time: what a cut network looks like."""
        return self.result is not None and self.result.fault in ("connect", "timeout")


class Findings(msgspec.Struct, frozen=True):
    """`is_local_fault`: the unconnected among them say nothing of their providers."""

    every: tuple[Finding, ...]
    is_local_fault: bool

    def excuses(self, finding: Finding) -> bool:
        """Whether it is our network's fault; the way to a server of our own is another."""
        return self.is_local_fault and finding.is_unconnected and not finding.provider.is_local


async def probe_all(
    transport: Transport,
    access: PlatformAccess,
    providers: Sequence[Provider],
    *,
    timeout_s: float = TIMEOUT_S,
    pauses_s: Sequence[float] | None = None,
) -> Findings:
    """One finding for each provider, in their order; none is ever sent a completion."""

    async def look(some: Sequence[Provider]) -> list[Finding]:
        return await asyncio.gather(*(_probe(transport, access, one, timeout_s) for one in some))

    found = {finding.provider.id: finding for finding in await look(providers)}
    for pause_s in PAUSES_S if pauses_s is None else pauses_s:
        if not _is_local_fault(found.values()):
            break
        await asyncio.sleep(pause_s)
        unconnected = [one.provider for one in found.values() if one.is_unconnected]
        found |= {finding.provider.id: finding for finding in await look(unconnected)}
    local = _is_local_fault(found.values())
    if local:
        slugs = [one.provider.slug for one in found.values() if one.is_unconnected]
        get_logger().error("health.local_network_fault", unconnected=slugs)
    return Findings(tuple(found.values()), local)


def _is_local_fault(found: Iterable[Finding]) -> bool:
    """A server of the operator's own says nothing of our way out; nor does one that is switched off
    and not there: it may be gone for good.
    """
    remote = [one for one in found if not one.provider.is_local]
    unconnected = sum(one.is_unconnected and one.provider.is_active for one in remote)
    answered = sum(one.result is not None and one.result.status is not None for one in remote)
    return is_local_fault(unconnected, answered)


async def _probe(
    transport: Transport, access: PlatformAccess, provider: Provider, timeout_s: float
) -> Finding:
    async def ask(key: str | None) -> CheckResult:
        return await check_provider(transport, access.urls.of(provider), key, timeout_s=timeout_s)

    is_simulated = access.urls.simulates(provider)
    key, key_fault = _key(access, provider)
    if key is not None:
        try:
            result = await ask(key)
            what = _what(result, timeout_s)
            return Finding(provider, result, what, sent_key=True, is_simulated=is_simulated)
        except ValueError:
            # The row or the key cannot be used: without the key it is seen which.
            key_fault = "it has characters that a header cannot carry"
    try:
        result = await ask(None)
    except ValueError as error:
        return Finding(provider, None, f"cannot be asked: {error}")
    return Finding(provider, result, _what(result, timeout_s), key_fault=key_fault)


def _key(access: PlatformAccess, provider: Provider) -> tuple[str | None, str | None]:
    """The platform's key, or why a stored one cannot be used."""
    try:
        return access.key_of(provider), None
    except PlatformKeyRefused as error:
        # A worker without the vault cannot say whether a stored key is good.
        return None, error.message if isinstance(error.__cause__, NotOpened) else None


def _what(result: CheckResult, timeout_s: float) -> str | None:
    if result.status is not None:
        return None if result.status == 200 else f"HTTP {result.status}"
    return {
        "connect": "no connection",
        "timeout": f"no answer within {timeout_s:g} s",
    }.get(result.fault or "", "the answer broke off or was no HTTP")


def key_verdict(finding: Finding) -> tuple[str | None, str | None]:
    """The platform key's status and reason; None, None where the check says nothing of it."""
    if finding.key_fault is not None:
        return "invalid", finding.key_fault
    if finding.result is None:
        return None, None
    if not finding.sent_key:
        has_none = finding.provider.sealed_system_key is None
        return ("unverified", None) if has_none else (None, None)
    if finding.result.status == 200:
        return ("simulated" if finding.is_simulated else "ok"), None
    refusal = finding.result.refusal
    if isinstance(refusal, ProviderRejectedKey):
        return "invalid", f"the provider refused it (HTTP {finding.result.status})"
    if isinstance(refusal, ProviderQuotaExhausted):
        return "quota_exhausted", f"its credit is used up (HTTP {finding.result.status})"
    return None, None
