"""GET /api/v1/llm/models, /v1/models and one model by id: OpenAI's shape, and what it costs."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from functions.models.listing import ModelCard, card
from shared.auth.guards import caller_of, require_user, resources_of
from shared.db.watch import SnapshotKeeper
from shared.errors import UnknownModel
from shared.routing.choose import find_models
from shared.routing.snapshot import Snapshot
from shared.upstream.platform_access import PlatformAccess

AnyRequest = Request[Any, Any, Any]


class ModelList(msgspec.Struct, frozen=True):
    data: list[ModelCard]
    object: str = "list"
    next_cursor: str | None = None


@get(
    ["/api/v1/llm/models", "/v1/models"],
    guards=[require_user],
    sync_to_thread=False,
)
def list_models(request: AnyRequest) -> ModelList:
    """Every active model, and whether this caller can use it now."""
    caller = caller_of(request)
    keyed = keyed_of(request)
    models = snapshot_of(request).models
    return ModelList([card(model, caller, keyed) for model in models if model.is_active])


@get(
    ["/api/v1/llm/models/{model_id:path}", "/v1/models/{model_id:path}"],
    guards=[require_user],
    sync_to_thread=False,
)
def get_model(request: AnyRequest, model_id: FromPath[str]) -> ModelCard:
    """One model by its id (which may have slashes in it) or as `provider/model`."""
    name = model_id.removeprefix("/")
    found = find_models(snapshot_of(request), name)
    if not found:
        raise UnknownModel(f"The model '{name[:100]}' does not exist.", param="model")
    return card(found[0], caller_of(request), keyed_of(request))


def snapshot_of(request: AnyRequest) -> Snapshot:
    return resources_of(request).get(SnapshotKeeper).snapshot


def keyed_of(request: AnyRequest) -> frozenset[str]:
    """The providers that can be called for this caller."""
    return resources_of(request).get(PlatformAccess).keyed(snapshot_of(request))
