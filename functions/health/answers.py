"""How the providers' health is shown to an admin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from shared.health.report import ProviderHealth
from shared.upstream.platform_access import Way


class PastCheckCard(msgspec.Struct, frozen=True):
    """`status` is the health that the check led to."""

    checked_at: datetime
    outcome: str
    status: str
    status_code: int | None
    response_time_ms: int | None
    reason: str | None


class HealthCard(msgspec.Struct, frozen=True):
    """`uptime_*` is the share of the checks that were answered, 0 to 1; null without any.

    `history` has the newest first. `system_key_*` are about the platform's own key. `way` is what a
    request that the platform pays for meets there: real, simulated or off.
    """

    provider: str
    name: str
    is_active: bool
    way: str
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None
    system_key_status: str
    system_key_reason: str | None
    system_key_checked_at: datetime | None
    uptime_24h: float | None
    uptime_30d: float | None
    history: list[PastCheckCard]


class HealthList(msgspec.Struct, frozen=True):
    """`run` is the check that was waited for, if one was."""

    data: list[HealthCard]
    run: str | None = None
    object: str = "list"
    next_cursor: str | None = None


class Queued(msgspec.Struct, frozen=True):
    """A worker makes the check `run`; the list shows its outcome."""

    run: str
    status: str = "queued"


def health_list(
    found: Iterable[ProviderHealth], ways: Mapping[str, Way], run: str | None
) -> HealthList:
    """`ways` by slug; a provider that was added a moment ago is in none yet, and off."""
    return HealthList(
        [
            msgspec.convert(
                {**msgspec.structs.asdict(one), "way": ways.get(one.provider, Way.OFF).value},
                HealthCard,
                from_attributes=True,
            )
            for one in found
        ],
        run,
    )
