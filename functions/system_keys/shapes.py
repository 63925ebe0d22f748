"""What an admin says of a platform key, and how one is shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.db.system_keys import SystemKey
from shared.vault.secret import SecretText, masked, shown


class StoreSystemKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: str
    api_key: str

    def __repr__(self) -> str:
        return f"StoreSystemKey({self.provider})"


class SystemKeyCard(msgspec.Struct, frozen=True):
    """`source` is stored, environment, or null where the platform has no key of its own."""

    provider: str
    source: str | None
    masked_key: str | None
    fingerprint: str | None
    status: str
    status_reason: str | None
    last_checked_at: datetime | None


class SystemKeyList(msgspec.Struct, frozen=True):
    data: list[SystemKeyCard]
    object: str = "list"
    next_cursor: str | None = None


def card(row: SystemKey, from_environment: SecretText | None) -> SystemKeyCard:
    source = suffix = fingerprint = None
    if row.sealed is not None:
        source, suffix, fingerprint = "stored", row.suffix, row.fingerprint
    elif from_environment is not None:
        to_show = shown(from_environment)
        source, suffix, fingerprint = "environment", to_show.suffix, to_show.fingerprint
    return SystemKeyCard(
        provider=row.provider,
        source=source,
        masked_key=None if source is None else masked(suffix),
        fingerprint=fingerprint,
        status=row.status,
        status_reason=row.status_reason,
        last_checked_at=row.last_checked_at,
    )
