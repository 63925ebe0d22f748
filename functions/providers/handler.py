"""GET /api/v1/llm/providers, for callers; /api/v1/admin/llm/providers and a test, for an admin."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from functions.providers.answers import (
    AdminProvider,
    DeletedProvider,
    ProbeResult,
    ProviderCard,
    admin_provider,
    card,
    probe_result,
)
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_user,
    resources_of,
)
from shared.catalog.provider_changes import ChangeProvider, NewProvider, Providers
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.db.own_key_providers import providers_with_key
from shared.upstream.provider_admin import Probe
from shared.wire.page import Listed

PROVIDERS = "/api/v1/admin/llm/providers"
PROVIDER = PROVIDERS + "/{provider:str}"
_ADMIN = [require_admin]


@get("/api/v1/llm/providers", guards=[require_user])
async def list_providers(request: AnyRequest) -> Listed[ProviderCard]:
    """The providers in the order of their ids, as the last poll of the database saw them."""
    resources = resources_of(request)
    snapshot = resources.get(SnapshotKeeper).snapshot
    owned = await providers_with_key(resources.get(Database), caller_of(request).user_id)
    return Listed([card(provider, owned) for provider in snapshot.providers])


@get(PROVIDERS, guards=_ADMIN)
async def list_all_providers(request: AnyRequest) -> Listed[AdminProvider]:
    """Every provider as its row is now, inactive ones too."""
    return Listed([admin_provider(row) for row in await providers_of(request).list()])


@post(PROVIDERS, guards=_ADMIN)
async def create_provider(request: AnyRequest, data: JSONBody[NewProvider]) -> AdminProvider:
    """Add a provider; it can be asked within 2 s, once it has models."""
    return admin_provider(await providers_of(request).create(data, actor_of(request)))


@get(PROVIDER, guards=_ADMIN)
async def read_provider(request: AnyRequest, provider: FromPath[str]) -> AdminProvider:
    """One provider, as its row is now."""
    return admin_provider(await providers_of(request).find(provider))


@patch(PROVIDER, guards=_ADMIN)
async def change_provider(
    request: AnyRequest, provider: FromPath[str], data: JSONBody[ChangeProvider]
) -> AdminProvider:
    """Change what is sent. A new host needs `remove_keys` where keys are sealed to the old one."""
    return admin_provider(await providers_of(request).change(provider, data, actor_of(request)))


@delete(PROVIDER, guards=_ADMIN, status_code=200)
async def delete_provider(request: AnyRequest, provider: FromPath[str]) -> DeletedProvider:
    """Delete a custom provider that has no models and no keys."""
    await providers_of(request).delete(provider, actor_of(request))
    return DeletedProvider(provider)


@post(PROVIDER + "/test", guards=_ADMIN, status_code=200)
async def test_provider(request: AnyRequest, provider: FromPath[str]) -> ProbeResult:
    """Ask its free endpoint, with the platform's key if there is one. Nothing is billed."""
    return probe_result(provider, await resources_of(request).get(Probe).ask(provider))


def providers_of(request: AnyRequest) -> Providers:
    return resources_of(request).get(Providers)
