"""GET /api/v1/llm/providers: each provider's health, and why it is so."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get

from shared.auth.guards import AnyRequest, caller_of, require_user, resources_of
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.db.own_key_providers import providers_with_key
from shared.routing.snapshot import Provider


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


class ProviderList(msgspec.Struct, frozen=True):
    data: list[ProviderCard]
    object: str = "list"
    next_cursor: str | None = None


@get("/api/v1/llm/providers", guards=[require_user])
async def list_providers(request: AnyRequest) -> ProviderList:
    """The providers in the order of their ids, as the last poll of the database saw them."""
    snapshot = resources_of(request).get(SnapshotKeeper).snapshot
    database = resources_of(request).get(Database)
    owned = await providers_with_key(database, caller_of(request).user_id)
    return ProviderList([card(provider, owned) for provider in snapshot.providers])


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
