"""Asks one provider's free endpoint for an admin, and says in words what came of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from shared.catalog.providers import ProviderRow
from shared.catalog.watch import SnapshotKeeper
from shared.errors import InvalidField
from shared.resources import opener
from shared.upstream.check import CheckResult, check_provider
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.transport import Transport

TIMEOUT_S = 10.0

_FAULTS = {
    "address": "its host resolves to an address that is not public; set is_local if it is yours",
    "connect": "no connection could be made",
    "timeout": f"it did not answer within {TIMEOUT_S:.0f} s",
    "protocol": "what it answered is not HTTP/1.1",
}


class ProbeResult(msgspec.Struct, frozen=True):
    """`key`: valid, refused (by the code in `error`), or none where it was asked without one.

    `is_reachable`: it answered, be it to refuse the key. `detail` is a sentence for a person.
    """

    provider: str
    is_reachable: bool
    status: int | None
    response_time_ms: int
    key: str
    error: str | None
    detail: str


class Probe:
    def __init__(
        self, transport: Transport, access: PlatformAccess, keeper: SnapshotKeeper
    ) -> None:
        self._transport = transport
        self._access = access
        self._keeper = keeper

    async def ask(self, row: ProviderRow) -> ProbeResult:
        """Raises InvalidField where the row's URL or dialect, or the key, cannot be used."""
        key = self._key(row)
        try:
            result = await check_provider(
                self._transport,
                self._access.urls.at(row.provider, row.base_url, is_local=row.is_local),
                dialect=row.dialect,
                slug=row.provider,
                key=key,
                timeout_s=TIMEOUT_S,
                auth_type=row.auth_type,
            )
        except ValueError as error:
            raise InvalidField(
                f"{row.provider} cannot be asked: {error}.",
                param="base_url",
                code="cannot_be_asked",
            ) from error
        return _result(row.provider, result, has_key=key is not None)

    def _key(self, row: ProviderRow) -> str | None:
        """The platform's; a provider made within the last second has none yet."""
        known = self._keeper.snapshot.providers_by_slug.get(row.provider)
        if known is None:
            return None
        return self._access.key_of(msgspec.structs.replace(known, base_url=row.base_url))


def _result(provider: str, found: CheckResult, *, has_key: bool) -> ProbeResult:
    refusal = found.refusal
    blames_key = refusal is not None and refusal.blames == "credential"
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
        key=_key_word(found, has_key=has_key, blames_key=blames_key),
        error=None if refusal is None else refusal.code,
        detail=detail,
    )


def _key_word(found: CheckResult, *, has_key: bool, blames_key: bool) -> str:
    if not has_key:
        return "none"
    if found.status == 200:
        return "valid"
    return "refused" if blames_key else "unverified"


@opener
async def open_probe(access: PlatformAccess, keeper: SnapshotKeeper) -> AsyncGenerator[Probe]:
    transport = Transport()
    try:
        yield Probe(transport, access, keeper)
    finally:
        await transport.aclose()
