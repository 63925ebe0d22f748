"""GET /api/v1/llm/models, /v1/models and one model by id: OpenAI's shape, and what it costs."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.params import FromPath

from functions.models.listing import ModelCard, card
from shared.auth.guards import AnyRequest, caller_of, require_user, resources_of
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.db.own_key_providers import providers_with_key
from shared.errors import UnknownModel
from shared.routing.choose import find_models
from shared.routing.snapshot import Snapshot
from shared.upstream.platform_access import PlatformAccess


class ModelList(msgspec.Struct, frozen=True):
    data: list[ModelCard]
    object: str = "list"
    next_cursor: str | None = None


@get(
    ["/api/v1/llm/models", "/v1/models"],
    guards=[require_user],
)
async def list_models(request: AnyRequest) -> ModelList:
    """Every active model, and whether this caller can use it now."""
    caller = caller_of(request)
    keyed = await keyed_of(request)
    models = snapshot_of(request).models
    return ModelList([card(model, caller, keyed) for model in models if model.is_active])


@get(
    ["/api/v1/llm/models/{model_id:path}", "/v1/models/{model_id:path}"],
    guards=[require_user],
)
async def get_model(request: AnyRequest, model_id: FromPath[str]) -> ModelCard:
    """One model by its id (which may have slashes in it) or as `provider/model`."""
    name = model_id.removeprefix("/")
    found = find_models(snapshot_of(request), name)
    if not found:
        raise UnknownModel(f"The model '{name[:100]}' does not exist.", param="model")
    return card(found[0], caller_of(request), await keyed_of(request))


def snapshot_of(request: AnyRequest) -> Snapshot:
    return resources_of(request).get(SnapshotKeeper).snapshot


async def keyed_of(request: AnyRequest) -> frozenset[str]:
    """The providers that can be called for this caller: the platform's, and where they have a key.

    While the database is away, the platform's alone.
    """
    resources = resources_of(request)
    platforms = resources.get(PlatformAccess).keyed(snapshot_of(request))
    owned = await providers_with_key(resources.get(Database), caller_of(request).user_id)
    return platforms | (owned or frozenset())
