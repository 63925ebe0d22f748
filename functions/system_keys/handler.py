"""The admin routes of the platform's own provider keys, under /api/v1/admin/llm/system-keys."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from functions.system_keys.answers import SystemKeyCard, card
from shared.auth.guards import AnyRequest, actor_of, require_admin, resources_of
from shared.auth.system_keys import StoreSystemKey, SystemKeys
from shared.wire.page import Listed

PATH = "/api/v1/admin/llm/system-keys"


def keys_of(request: AnyRequest) -> SystemKeys:
    return resources_of(request).get(SystemKeys)


@post(PATH, guards=[require_admin], status_code=200)
async def store_key(request: AnyRequest, data: JSONBody[StoreSystemKey]) -> SystemKeyCard:
    """Check a key and store it, sealed; it wins over the environment's within 2 s."""
    return card(await keys_of(request).store(data, actor_of(request)))


@get(PATH, guards=[require_admin])
async def list_keys(request: AnyRequest) -> Listed[SystemKeyCard]:
    """Each provider's key in use: where it comes from, its last four characters, its status."""
    return Listed([card(key) for key in await keys_of(request).list()])


@delete(PATH + "/{provider:str}", guards=[require_admin], status_code=200)
async def delete_key(request: AnyRequest, provider: FromPath[str]) -> SystemKeyCard:
    """Take the stored key away; the environment's counts again, where there is one."""
    return card(await keys_of(request).delete(provider, actor_of(request)))


@post(PATH + "/{provider:str}/test", guards=[require_admin], status_code=200)
async def test_key(request: AnyRequest, provider: FromPath[str]) -> SystemKeyCard:
    """Ask the provider's free endpoint whether it takes the key in use."""
    return card(await keys_of(request).test(provider, actor_of(request)))
