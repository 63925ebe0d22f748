"""The routes of a caller's own provider keys, under /api/v1/llm/byok/keys."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from functions.byok_keys.answers import (
    DeletedKey,
    KeyCard,
    KeyList,
    KeyStored,
    KeyTest,
    card,
    stored,
    tested,
)
from shared.auth.guards import AnyRequest, actor_of, caller_of, require_scope, resources_of
from shared.auth.own_key_changes import ChangeKey, OwnKeyChanges, StoreKey
from shared.auth.scope import Scope

PATH = "/api/v1/llm/byok/keys"
_GUARDS = [require_scope(Scope.KEYS)]


def keys_of(request: AnyRequest) -> OwnKeyChanges:
    return resources_of(request).get(OwnKeyChanges)


@post(PATH, guards=_GUARDS, status_code=200)
async def store_key(request: AnyRequest, data: JSONBody[StoreKey]) -> KeyStored:
    """Check a key at its provider and store it, sealed; it takes the place of one that is there."""
    user_id = caller_of(request).user_id
    return stored(await keys_of(request).store(user_id, data, actor_of(request)))


@get(PATH, guards=_GUARDS)
async def list_keys(request: AnyRequest) -> KeyList:
    """The caller's keys: the last four characters of each, and what is known of it."""
    keys = await keys_of(request).list(caller_of(request).user_id)
    return KeyList([card(key) for key in keys])


@patch(PATH + "/{provider:str}", guards=_GUARDS)
async def change_key(
    request: AnyRequest, provider: FromPath[str], data: JSONBody[ChangeKey]
) -> KeyCard:
    """Switch a key on or off; set when it is used, and whether the platform may pay after it."""
    user_id = caller_of(request).user_id
    return card(await keys_of(request).change(user_id, provider, data, actor_of(request)))


@delete(PATH + "/{provider:str}", guards=_GUARDS, status_code=200)
async def delete_key(request: AnyRequest, provider: FromPath[str]) -> DeletedKey:
    """Delete a key; what it paid for stays in the usage log."""
    await keys_of(request).delete(caller_of(request).user_id, provider, actor_of(request))
    return DeletedKey(success=True, provider=provider, message="API key deleted")


@post(PATH + "/{provider:str}/test", guards=_GUARDS, status_code=200)
async def test_key(request: AnyRequest, provider: FromPath[str]) -> KeyTest:
    """Ask the provider's free endpoint whether it takes the key now."""
    user_id = caller_of(request).user_id
    return tested(provider, await keys_of(request).test(user_id, provider, actor_of(request)))
