"""/api/v1/admin/llm/providers: create, read, change, delete and test providers."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from functions.providers import change
from functions.providers.admin_bodies import ChangeProvider, NewProvider
from functions.providers.handler import AnyRequest
from functions.providers.probe import Probe, ProbeResult
from shared.auth.guards import actor_of, require_admin, resources_of
from shared.catalog.providers import ProviderRow, list_providers
from shared.db.connect import Database

_PATH = "/api/v1/admin/llm/providers"
_ONE = _PATH + "/{provider:str}"


class ProviderRows(msgspec.Struct, frozen=True):
    data: list[ProviderRow]
    object: str = "list"
    next_cursor: str | None = None


class DeletedProvider(msgspec.Struct, frozen=True):
    provider: str
    deleted: bool = True


@get(_PATH, guards=[require_admin])
async def list_all_providers(request: AnyRequest) -> ProviderRows:
    """Every provider as its row is now, inactive ones too."""
    async with _database(request).connection() as connection:
        return ProviderRows(await list_providers(connection))


@post(_PATH, guards=[require_admin])
async def create_provider(request: AnyRequest, data: JSONBody[NewProvider]) -> ProviderRow:
    """Add a provider; it can be asked within 2 s, once it has models."""
    return await change.create(_database(request), actor_of(request), data)


@get(_ONE, guards=[require_admin])
async def read_provider(request: AnyRequest, provider: FromPath[str]) -> ProviderRow:
    return await change.find(_database(request), provider)


@patch(_ONE, guards=[require_admin])
async def change_provider(
    request: AnyRequest, provider: FromPath[str], data: JSONBody[ChangeProvider]
) -> ProviderRow:
    """Change what is sent. A new host needs `remove_keys` where keys are sealed to the old one."""
    return await change.change(_database(request), actor_of(request), provider, data)


@delete(_ONE, guards=[require_admin], status_code=200)
async def delete_provider(request: AnyRequest, provider: FromPath[str]) -> DeletedProvider:
    """Delete a custom provider that has no models and no keys."""
    await change.delete(_database(request), actor_of(request), provider)
    return DeletedProvider(provider)


@post(_ONE + "/test", guards=[require_admin], status_code=200)
async def test_provider(request: AnyRequest, provider: FromPath[str]) -> ProbeResult:
    """Ask its free endpoint, with the platform's key if there is one. Nothing is billed."""
    row = await change.find(_database(request), provider)
    return await resources_of(request).get(Probe).ask(row)


def _database(request: AnyRequest) -> Database:
    return resources_of(request).get(Database)


ROUTES = (
    list_all_providers,
    create_provider,
    read_provider,
    change_provider,
    delete_provider,
    test_provider,
)
