"""/api/v1/admin/llm/models: create, read, change and delete models, and set their prices."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from functions.models import change
from functions.models.admin_bodies import ChangeModel, NewModel
from functions.models.handler import AnyRequest
from shared.auth.guards import actor_of, require_admin, resources_of
from shared.catalog.models import ModelRow, list_models
from shared.db.connect import Database

_PATH = "/api/v1/admin/llm/models"
_ONE = _PATH + "/{model_id:int}"


class ModelRows(msgspec.Struct, frozen=True):
    data: list[ModelRow]
    object: str = "list"
    next_cursor: str | None = None


class DeletedModel(msgspec.Struct, frozen=True):
    id: int
    deleted: bool = True


@get(_PATH, guards=[require_admin])
async def list_all_models(
    request: AnyRequest, provider: FromQuery[Annotated[str, Meta(max_length=63)] | None] = None
) -> ModelRows:
    """Every model as its row is now, or those of one provider; inactive ones too."""
    async with _database(request).connection() as connection:
        return ModelRows(await list_models(connection, provider))


@post(_PATH, guards=[require_admin])
async def create_model(request: AnyRequest, data: JSONBody[NewModel]) -> ModelRow:
    """Add a model of a provider, with its price; it can be asked for within 2 s."""
    return await change.create(_database(request), actor_of(request), data)


@get(_ONE, guards=[require_admin])
async def read_model(request: AnyRequest, model_id: FromPath[int]) -> ModelRow:
    return await change.find(_database(request), model_id)


@patch(_ONE, guards=[require_admin])
async def change_model(
    request: AnyRequest, model_id: FromPath[int], data: JSONBody[ChangeModel]
) -> ModelRow:
    """Change what is sent; a price becomes a new version, by which is billed from then on."""
    return await change.change(_database(request), actor_of(request), model_id, data)


@delete(_ONE, guards=[require_admin], status_code=200)
async def delete_model(request: AnyRequest, model_id: FromPath[int]) -> DeletedModel:
    """Delete a model that no rule names and that was never used."""
    await change.delete(_database(request), actor_of(request), model_id)
    return DeletedModel(model_id)


def _database(request: AnyRequest) -> Database:
    return resources_of(request).get(Database)


ROUTES = (list_all_models, create_model, read_model, change_model, delete_model)
