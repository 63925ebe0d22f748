"""How a key is shown: never itself, but for its last four characters. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.auth.key_check import KeyStatus
from shared.auth.own_key_changes import Stored, Tested
from shared.db.user_keys import UserKey
from shared.pricing.price import PICO_USD_PER_USD
from shared.vault.secret import masked
from shared.wire.metadata import raw_usd


class KeyStored(msgspec.Struct, frozen=True, omit_defaults=True):
    """`warning` is there where the key looks wrong or the provider did not take it."""

    success: bool
    key_id: str
    provider: str
    message: str
    warning: str | None = None


class KeyCard(msgspec.Struct, frozen=True):
    """`status` (unverified, ok, invalid, quota_exhausted, simulated) is of `last_checked_at`."""

    provider: str
    enabled: bool
    masked_key: str
    created_at: datetime
    key_id: str
    name: str | None
    status: str
    status_reason: str | None
    last_checked_at: datetime | None
    use_policy: str
    platform_fallback: str
    fingerprint: str | None
    replaced_at: datetime | None
    last_used_at: datetime | None
    total_requests: int
    total_tokens: int
    total_cost_usd: msgspec.Raw


class KeyList(msgspec.Struct, frozen=True):
    providers: list[KeyCard]


class DeletedKey(msgspec.Struct, frozen=True):
    success: bool
    provider: str
    message: str


class KeyTest(msgspec.Struct, frozen=True):
    """`success`: the provider took the key, or one that stands in for it, which takes any."""

    success: bool
    provider: str
    status: str
    message: str
    response_time_ms: int | None


def stored(done: Stored) -> KeyStored:
    return KeyStored(
        success=True,
        key_id=str(done.key_id),
        provider=done.provider,
        message="API key stored successfully",
        warning=done.warning,
    )


def tested(provider: str, done: Tested) -> KeyTest:
    return KeyTest(
        success=done.found.status in (KeyStatus.OK, KeyStatus.SIMULATED),
        provider=provider,
        status=done.found.status,
        message=done.message,
        response_time_ms=done.found.response_time_ms,
    )


def card(key: UserKey) -> KeyCard:
    return KeyCard(
        provider=key.provider,
        enabled=key.enabled,
        masked_key=masked(key.suffix),
        created_at=key.created_at.replace(microsecond=0),
        key_id=str(key.id),
        name=key.name,
        status=key.status,
        status_reason=key.status_reason,
        last_checked_at=key.last_checked_at,
        use_policy=key.use_policy,
        platform_fallback=key.platform_fallback,
        fingerprint=key.fingerprint,
        replaced_at=key.last_rotated_at,
        last_used_at=key.last_used_at,
        total_requests=key.total_requests,
        total_tokens=key.total_tokens,
        total_cost_usd=raw_usd(int(key.total_cost_usd * PICO_USD_PER_USD)),
    )
