"""How a platform key is shown: never itself, but for its last four characters. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.auth.system_keys import KeyInUse
from shared.vault.secret import masked, shown


class SystemKeyCard(msgspec.Struct, frozen=True):
    """`source` is stored, environment, or null where the platform has no key of its own."""

    provider: str
    source: str | None
    masked_key: str | None
    fingerprint: str | None
    status: str
    status_reason: str | None
    last_checked_at: datetime | None


def card(key: KeyInUse) -> SystemKeyCard:
    row, from_environment = key
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
