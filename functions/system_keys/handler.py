"""The admin routes of the platform's own provider keys, under /api/v1/admin/llm/system-keys."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from functions.system_keys.shapes import StoreSystemKey, SystemKeyCard, SystemKeyList
from functions.system_keys.stored_keys import StoredKeys
from shared.auth.guards import AnyRequest, actor_of, require_admin, resources_of

PATH = "/api/v1/admin/llm/system-keys"


def keys_of(request: AnyRequest) -> StoredKeys:
    return resources_of(request).get(StoredKeys)


@post(PATH, guards=[require_admin], status_code=200)
async def store_key(request: AnyRequest, data: JSONBody[StoreSystemKey]) -> SystemKeyCard:
    """Check a key and store it, sealed; it wins over the environment's within 2 s."""
    return await keys_of(request).store(data, actor_of(request))


@get(PATH, guards=[require_admin])
async def list_keys(request: AnyRequest) -> SystemKeyList:
    """Each provider's key in use: where it comes from, its last four characters, its status."""
    return await keys_of(request).list()


@delete(PATH + "/{provider:str}", guards=[require_admin], status_code=200)
async def delete_key(request: AnyRequest, provider: FromPath[str]) -> SystemKeyCard:
    """Take the stored key away; the environment's counts again, where there is one."""
    return await keys_of(request).delete(provider, actor_of(request))


@post(PATH + "/{provider:str}/test", guards=[require_admin], status_code=200)
async def test_key(request: AnyRequest, provider: FromPath[str]) -> SystemKeyCard:
    """Ask the provider's free endpoint whether it takes the key in use."""
    return await keys_of(request).test(provider, actor_of(request))
