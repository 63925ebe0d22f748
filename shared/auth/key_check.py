"""Whether a provider takes a key, asked at its free endpoint: never a billed call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum

import msgspec

from shared.errors import ProviderQuotaExhausted, ProviderRejectedKey
from shared.resources import opener
from shared.routing.snapshot import Provider
from shared.settings import ProviderSettings, TryOutSettings, UpstreamSettings
from shared.upstream.check import CheckResult, check_provider
from shared.upstream.provider_url import ProviderUrls
from shared.upstream.transport import Transport
from shared.vault.secret import SecretText

CHECK_TIMEOUT_S = 5.0


class KeyStatus(StrEnum):
    """What is known of a key: the words of user_api_keys.status."""

    UNVERIFIED = "unverified"
    OK = "ok"
    INVALID = "invalid"
    QUOTA_EXHAUSTED = "quota_exhausted"
    SIMULATED = "simulated"
    """Taken by a simulated provider, which takes any: nobody has checked it."""


class KeyCheck(msgspec.Struct, frozen=True):
    """`reason` is a sentence of ours, None where the key is ok."""

    status: KeyStatus
    reason: str | None
    response_time_ms: int | None = None


class KeyChecks:
    """Checks keys over one transport; belongs to one event loop."""

    def __init__(self, transport: Transport, urls: ProviderUrls) -> None:
        self._transport = transport
        self._urls = urls

    async def check(self, provider: Provider, key: SecretText) -> KeyCheck:
        """Takes CHECK_TIMEOUT_S at most; a provider that cannot be reached leaves `unverified`."""
        try:
            endpoint = self._urls.of(provider)
            result = await check_provider(
                self._transport, endpoint, key.reveal(), timeout_s=CHECK_TIMEOUT_S
            )
        except ValueError:
            # `provider` cannot be asked at all: its row is at fault, not the key.
            return KeyCheck(
                KeyStatus.UNVERIFIED, f"The base URL or dialect of {provider.name} cannot be used."
            )
        if endpoint.is_simulated and result.status == 200:
            said = f"{provider.name} is simulated here: nobody has checked the key."
            return KeyCheck(KeyStatus.SIMULATED, said, result.response_time_ms)
        return judge(provider.name, result)


def judge(name: str, result: CheckResult) -> KeyCheck:
    """What a check's outcome says of the key. `name` is the provider's, for the sentence."""
    status, took_ms = result.status, result.response_time_ms
    if status == 200:
        return KeyCheck(KeyStatus.OK, None, took_ms)
    if isinstance(result.refusal, ProviderQuotaExhausted):
        return KeyCheck(
            KeyStatus.QUOTA_EXHAUSTED, f"The key's account at {name} has no credit.", took_ms
        )
    if isinstance(result.refusal, ProviderRejectedKey) and status != 403:
        return KeyCheck(KeyStatus.INVALID, f"{name} refused the key (HTTP {status}).", took_ms)
    if status == 403:
        # A restricted key of OpenAI's may complete and not list models.
        reason = f"{name} does not let this key use the endpoint that checks keys (HTTP 403)."
    elif status is None:
        reason = f"{name} could not be reached."
    else:
        reason = f"{name} answered HTTP {status} to the check."
    return KeyCheck(KeyStatus.UNVERIFIED, reason, took_ms)


@opener
async def open_key_checks(
    providers: ProviderSettings, try_out: TryOutSettings, way_out: UpstreamSettings
) -> AsyncGenerator[KeyChecks]:
    """Over a transport of their own: no check waits for a completion's connection."""
    transport = Transport.from_settings(way_out)
    try:
        yield KeyChecks(transport, ProviderUrls.from_settings(providers, try_out))
    finally:
        await transport.aclose()
