"""How a provider is shown: to callers with its health, to an admin as it is, and a test of it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.catalog.providers import ProviderRow
from shared.routing.snapshot import Provider
from shared.upstream.provider_admin import PROBE_TIMEOUT_S, Probed

_FAULTS = {
    "address": "its host resolves to an address that is not public; set is_local if it is yours",
    "connect": "no connection could be made",
    "timeout": f"it did not answer within {PROBE_TIMEOUT_S:.0f} s",
    "protocol": "what it answered is not HTTP/1.1",
}


class ProviderCard(msgspec.Struct, frozen=True):
    """`health_response_time_ms` is that of the last check; null before the first one.

    `has_own_key`: the caller has stored a key of theirs for it, and it is switched on; null while
    that cannot be read.
    """

    provider: str
    name: str
    is_active: bool
    is_byok_supported: bool
    has_own_key: bool | None
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None


class AdminProvider(msgspec.Struct, frozen=True):
    """`has_system_key`: an admin stored a platform key; `user_keys` counts callers' own."""

    id: int
    provider: str
    name: str
    display_name: str | None
    description: str | None
    base_url: str
    dialect: str
    auth_type: str
    litellm_prefix: str | None
    is_local: bool
    is_active: bool
    is_byok_supported: bool
    is_system_provider: bool
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    rate_limit_rpm: int | None
    rate_limit_tpm: int | None
    rate_limit_rpd: int | None
    min_tier: str
    opens: str
    api_key_format: str | None
    documentation_url: str | None
    pricing_url: str | None
    status_page_url: str | None
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None
    has_system_key: bool
    user_keys: int
    created_at: datetime
    updated_at: datetime


class DeletedProvider(msgspec.Struct, frozen=True):
    provider: str
    deleted: bool = True


class ProbeResult(msgspec.Struct, frozen=True):
    """`key`: valid, refused (by the code in `error`), unverified, simulated where another provider
    stood in, or none where it was asked without one.

    `is_reachable`: it answered, be it to refuse the key. `detail` is a sentence for a person.
    """

    provider: str
    is_reachable: bool
    status: int | None
    response_time_ms: int
    key: str
    error: str | None
    detail: str


def card(provider: Provider, owned: frozenset[str] | None) -> ProviderCard:
    return ProviderCard(
        provider=provider.slug,
        name=provider.name,
        is_active=provider.is_active,
        is_byok_supported=provider.is_byok_supported,
        has_own_key=None if owned is None else provider.slug in owned,
        health_status=provider.health,
        health_reason=provider.health_reason,
        health_last_checked=provider.health_last_checked,
        health_response_time_ms=provider.health_response_time_ms,
    )


def admin_provider(row: ProviderRow) -> AdminProvider:
    return msgspec.convert(row, AdminProvider, from_attributes=True)


def probe_result(provider: str, probed: Probed) -> ProbeResult:
    found, refusal = probed.found, probed.found.refusal
    if found.fault is not None:
        detail = _FAULTS[found.fault]
    elif refusal is not None:
        detail = refusal.message
    else:
        detail = "it answers"
    return ProbeResult(
        provider=provider,
        is_reachable=found.is_reachable,
        status=found.status,
        response_time_ms=found.response_time_ms,
        key=_key_word(probed),
        error=None if refusal is None else refusal.code,
        detail=detail,
    )


def _key_word(probed: Probed) -> str:
    if not probed.has_key:
        return "none"
    if probed.found.status == 200:
        return "simulated" if probed.is_simulated else "valid"
    refusal = probed.found.refusal
    return "refused" if refusal is not None and refusal.blames == "credential" else "unverified"
