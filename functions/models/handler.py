"""GET /v1/models in OpenAI's shape, for callers; models and aliases below /api/v1/admin/llm."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from litestar import MediaType, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from functions.models.answers import (
    AdminModel,
    AliasCard,
    DeletedAlias,
    DeletedModel,
    ModelCard,
    NameCard,
    admin_model,
    alias_card,
    anthropic_card,
    card,
)
from functions.models.listing import entry_of
from functions.models.lists import Lists
from shared.auth.guards import (
    AnyRequest,
    actor_of,
    caller_of,
    require_admin,
    require_user,
    resources_of,
)
from shared.catalog.aliases import ChangeAlias, ModelAliases, NewAlias
from shared.catalog.model_changes import ChangeModel, Models, NewModel
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.db.own_key_providers import providers_with_key
from shared.errors import UnknownModel
from shared.routing.fit import RoutingRequest
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Snapshot
from shared.upstream.platform_access import PlatformAccess, PricePolicy
from shared.wire.page import Listed

MODELS = "/api/v1/admin/llm/models"
MODEL = MODELS + "/{model_id:int}"
ALIASES = "/api/v1/admin/llm/aliases"
ALIAS = ALIASES + "/{name:path}"
_ADMIN = [require_admin]

_LIST = {200: ResponseSpec(Listed[ModelCard | NameCard], generate_examples=False)}
_ONE = {200: ResponseSpec(ModelCard, generate_examples=False)}


@get(["/api/v1/llm/models", "/v1/models"], guards=[require_user], responses=_LIST)
async def list_models(
    request: AnyRequest,
    all_of_it: Annotated[
        bool, QueryParameter(name="all", description="Unusable ones too.")
    ] = False,
) -> Response[bytes]:
    """What this caller can ask for now: levels, aliases, models; with `all` the rest, and why not.

    In Anthropic's shape where the header `anthropic-version` is sent.
    """
    asking, in_anthropics = await _asking(request), _is_anthropics(request)
    snapshot = snapshot_of(request)
    lists = resources_of(request).get(Lists)
    return _json(await lists.of(snapshot, asking, all_of_it=all_of_it, in_anthropics=in_anthropics))


@get(
    ["/api/v1/llm/models/{model_id:path}", "/v1/models/{model_id:path}"],
    guards=[require_user],
    responses=_ONE,
)
async def get_model(request: AnyRequest, model_id: FromPath[str]) -> Response[bytes]:
    """What a name, which may have slashes in it, is to this caller: level, alias or model."""
    name = model_id.removeprefix("/")
    found = entry_of(snapshot_of(request), await _asking(request), name)
    if found is None:
        raise UnknownModel(f"The model '{name[:100]}' does not exist.", param="model")
    return _json(anthropic_card(found) if _is_anthropics(request) else card(found))


@get(MODELS, guards=_ADMIN)
async def list_all_models(
    request: AnyRequest, provider: FromQuery[Annotated[str, Meta(max_length=63)] | None] = None
) -> Listed[AdminModel]:
    """Every model as its row is now, or those of one provider; inactive ones too."""
    return Listed([admin_model(row) for row in await models_of(request).list(provider)])


@post(MODELS, guards=_ADMIN)
async def create_model(request: AnyRequest, data: JSONBody[NewModel]) -> AdminModel:
    """Add a model of a provider, with its price; it can be asked for within 2 s."""
    return admin_model(await models_of(request).create(data, actor_of(request)))


@get(MODEL, guards=_ADMIN)
async def read_model(request: AnyRequest, model_id: FromPath[int]) -> AdminModel:
    """One model of a provider, as its row is now."""
    return admin_model(await models_of(request).find(model_id))


@patch(MODEL, guards=_ADMIN)
async def change_model(
    request: AnyRequest, model_id: FromPath[int], data: JSONBody[ChangeModel]
) -> AdminModel:
    """Change what is sent. A price becomes a new version, used to bill requests from then on."""
    return admin_model(await models_of(request).change(model_id, data, actor_of(request)))


@delete(MODEL, guards=_ADMIN, status_code=200)
async def delete_model(request: AnyRequest, model_id: FromPath[int]) -> DeletedModel:
    """Delete a model that no rule names and that was never used."""
    await models_of(request).delete(model_id, actor_of(request))
    return DeletedModel(model_id)


@get(ALIASES, guards=_ADMIN)
async def list_aliases(request: AnyRequest) -> Listed[AliasCard]:
    """Every alias, by name."""
    return Listed([alias_card(row) for row in await aliases_of(request).list()])


@post(ALIASES, guards=_ADMIN)
async def create_alias(request: AnyRequest, data: JSONBody[NewAlias]) -> AliasCard:
    """Let a name, or a pattern with one `*`, stand for a model, a level or a weighted list."""
    return alias_card(await aliases_of(request).create(data, actor_of(request)))


@get(ALIAS, guards=_ADMIN)
async def read_alias(request: AnyRequest, name: FromPath[str]) -> AliasCard:
    """One alias."""
    return alias_card(await aliases_of(request).find(_named(name)))


@patch(ALIAS, guards=_ADMIN)
async def change_alias(
    request: AnyRequest, name: FromPath[str], data: JSONBody[ChangeAlias]
) -> AliasCard:
    """Change what it stands for, or switch it on or off."""
    return alias_card(await aliases_of(request).change(_named(name), data, actor_of(request)))


@delete(ALIAS, guards=_ADMIN, status_code=200)
async def delete_alias(request: AnyRequest, name: FromPath[str]) -> DeletedAlias:
    """Remove an alias; its name can be asked for no more within 2 s."""
    await aliases_of(request).delete(_named(name), actor_of(request))
    return DeletedAlias(_named(name))


def models_of(request: AnyRequest) -> Models:
    return resources_of(request).get(Models)


def aliases_of(request: AnyRequest) -> ModelAliases:
    return resources_of(request).get(ModelAliases)


def _named(path: str) -> str:
    """A name may have slashes in it."""
    return unquote(path.removeprefix("/"))


def snapshot_of(request: AnyRequest) -> Snapshot:
    return resources_of(request).get(SnapshotKeeper).snapshot


async def _asking(request: AnyRequest) -> RoutingRequest:
    """Who asks, with the platform's keys and their own; without these if the database is down."""
    resources, caller = resources_of(request), caller_of(request)
    owned = await providers_with_key(resources.get(Database), caller.user_id)
    return RoutingRequest(
        models=(),
        level=None,
        tier=caller.tier,
        platform_funded=resources.get(PlatformAccess).keyed(snapshot_of(request)),
        own_keys=tuple(OwnKey(0, slug) for slug in sorted(owned or ())),
        allowed_models=caller.allowed_models,
        refuses_unpriced=resources.get(PricePolicy).refuses_unpriced,
    )


def _is_anthropics(request: AnyRequest) -> bool:
    return "anthropic-version" in request.headers


def _json(body: bytes) -> Response[bytes]:
    return Response(body, media_type=MediaType.JSON)
