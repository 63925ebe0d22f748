"""GET /api/v1/llm/providers: each provider's health, and why it is so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get

from shared.auth.guards import require_user, resources_of
from shared.db.watch import SnapshotKeeper
from shared.routing.snapshot import Provider

AnyRequest = Request[Any, Any, Any]


class ProviderCard(msgspec.Struct, frozen=True):
    """`health_response_time_ms` is that of the last check; null before the first one."""

    provider: str
    name: str
    is_active: bool
    is_byok_supported: bool
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None


class ProviderList(msgspec.Struct, frozen=True):
    data: list[ProviderCard]
    object: str = "list"
    next_cursor: str | None = None


@get(
    "/api/v1/llm/providers",
    guards=[require_user],
    sync_to_thread=False,
)
def list_providers(request: AnyRequest) -> ProviderList:
    """The providers in the order of their ids, as the last poll of the database saw them."""
    snapshot = resources_of(request).get(SnapshotKeeper).snapshot
    return ProviderList([card(provider) for provider in snapshot.providers])


def card(provider: Provider) -> ProviderCard:
    return ProviderCard(
        provider=provider.slug,
        name=provider.name,
        is_active=provider.is_active,
        is_byok_supported=provider.is_byok_supported,
        health_status=provider.health,
        health_reason=provider.health_reason,
        health_last_checked=provider.health_last_checked,
        health_response_time_ms=provider.health_response_time_ms,
    )
