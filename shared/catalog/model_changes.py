"""An admin's changes to models and prices: checks, rows and audit trail, in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.catalog import models
from shared.catalog.changes import TierName, audit, sent
from shared.catalog.known_models import described, facts_as_fields
from shared.catalog.models import ModelRow
from shared.db.audit import Action, Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotFound
from shared.pricing.price import parse_price
from shared.resources import opener
from shared.routing.deployment import Kind
from shared.routing.known_models import Facts

Name = Annotated[str, Meta(min_length=1, max_length=200)]
# What goes upstream, and into a header: printable ASCII.
ModelId = Annotated[str, Meta(pattern=r"^[!-~]{1,200}$")]
Words = Annotated[str, Meta(max_length=2000)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Level = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,50}$")]


class NewPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tiers` as in model_prices: `[{"start_tokens": 0, "input": "0.075", "output": "0.30"}]`,
    USD per million tokens as decimal strings. `source` says where the price was read.
    """

    tiers: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=20)]
    source: Name = "admin"


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`power_level` null: no level picks it by itself. `price` makes a new version. `dimensions`
    are those of an embedding.
    """

    name: Name | UnsetType = UNSET
    display_name: Name | UnsetType | None = UNSET
    description: Words | UnsetType | None = UNSET
    max_tokens: Tokens | UnsetType | None = UNSET
    context_window: Tokens | UnsetType | None = UNSET
    kind: Kind | UnsetType = UNSET
    dimensions: Tokens | UnsetType | None = UNSET
    supports_streaming: bool | UnsetType = UNSET
    supports_function_calling: bool | UnsetType = UNSET
    supports_vision: bool | UnsetType = UNSET
    supports_json_mode: bool | UnsetType = UNSET
    power_level: Level | UnsetType | None = UNSET
    power_level_priority: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_deprecated: bool | UnsetType = UNSET
    deprecation_date: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    replacement_model_id: ModelId | UnsetType | None = UNSET
    min_tier: TierName | UnsetType = UNSET
    price: NewPrice | UnsetType = UNSET


class ChangeModel(_Fields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Its provider and `model_id` never change: rows of the usage log mean them."""


class NewModel(_Fields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`provider` is a slug, `model_id` what goes upstream; the rest may be left out, and is then as
    the catalog has it.
    """

    provider: Annotated[str, Meta(min_length=1, max_length=63)]
    model_id: ModelId


class Models:
    """llm_models as an admin reads and changes it. A change is in force everywhere within 2 s.

    What is passed in has been decoded (or converted) by msgspec, which checks each field.
    """

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self, provider: str | None = None) -> list[ModelRow]:
        """All of them, or those of one provider, in the order of their ids."""
        async with self._database.connection() as connection:
            return await models.list_models(connection, provider)

    async def find(self, model_id: int) -> ModelRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, model_id)

    async def create(self, new: NewModel, actor: Actor) -> ModelRow:
        """What is left out is as the catalog has it. Raises InvalidField, Conflict."""
        given = {"name": new.model_id, **sent(new, besides=("provider", "price"))}
        prices, price = _prices(new.price), new.price
        async with self._database.connection() as connection, connection.transaction():
            known = await described(connection, new.provider, new.model_id)
            # What nobody says of a model is no more held against it than where no row lists it.
            values = facts_as_fields(Facts(new.model_id)) | given
            if known is not None:
                values = {**values, **known.fields, **given}
                if prices is None and known.prices is not None and known.source:
                    prices = known.prices
                    price = NewPrice(prices["tiers"], known.source)
            await _check_level(connection, new.power_level)
            model_id = await models.create_model(connection, new.provider, values)
            if model_id is None:
                raise InvalidField(
                    f"There is no provider '{new.provider}'.",
                    param="provider",
                    code="provider_not_found",
                )
            await _check_only_one(connection, new.provider, new.model_id)
            await _add_price(connection, model_id, prices, price)
            details = {**values, "provider": new.provider, "prices": prices}
            await audit(connection, actor, Action.MODEL_CREATED, model_id, details)
            return await _found(connection, model_id)

    async def change(self, model_id: int, change: ChangeModel, actor: Actor) -> ModelRow:
        """Raises NotFound, InvalidField. A price that is the newest already makes no version."""
        changes, prices = sent(change, besides=("price",)), _prices(change.price)
        if not changes and prices is None:
            raise InvalidField("There is nothing to change in the body.", param="body")
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, model_id, for_update=True)
            await _check_level(connection, change.power_level)
            await models.change_model(connection, model_id, changes)
            if before.price is None or prices != before.price.prices:
                await _add_price(connection, model_id, prices, change.price)
            details = {"changes": changes, "prices": prices}
            await audit(connection, actor, Action.MODEL_CHANGED, model_id, details)
            return await _found(connection, model_id)

    async def delete(self, model_id: int, actor: Actor) -> None:
        """Raises NotFound; Conflict where rules or usage name it."""
        async with self._database.connection() as connection, connection.transaction():
            row = await _found(connection, model_id, for_update=True)
            rules, is_used = await models.uses_of(connection, model_id)
            if rules or is_used:
                why = f"{rules} routing rules name it" if rules else "usage of it is on record"
                raise Conflict(
                    f"{row.provider}/{row.model_id} cannot be deleted, {why}:"
                    " set is_active to false instead.",
                    param="model",
                    code="model_in_use",
                )
            await models.delete_model(connection, model_id)
            details = {"provider": row.provider, "model_id": row.model_id}
            await audit(connection, actor, Action.MODEL_DELETED, model_id, details)


@opener
async def open_models(database: Database) -> AsyncGenerator[Models]:
    yield Models(database)


def _prices(price: NewPrice | UnsetType) -> dict[str, Any] | None:
    """As model_prices keeps them. Raises InvalidField where they cannot be read back."""
    if isinstance(price, UnsetType):
        return None
    tiers = [{"cached": None, "cache_write": None, **tier} for tier in price.tiers]
    try:
        parse_price(1, {"tiers": tiers})
    except ValueError as error:
        raise InvalidField(
            f"'price.tiers' is invalid: {error}.", param="price.tiers", code="price_unreadable"
        ) from error
    return {"tiers": tiers}


async def _add_price(
    connection: Connection,
    model_id: int,
    prices: dict[str, Any] | None,
    price: NewPrice | UnsetType,
) -> None:
    if prices is not None and isinstance(price, NewPrice):
        await models.add_price(
            connection, model_id, prices, source=price.source, at=datetime.now(UTC)
        )


async def _check_level(connection: Connection, level: str | UnsetType | None) -> None:
    if isinstance(level, str) and not await models.has_power_level(connection, level):
        raise InvalidField(f"There is no power level '{level}'.", param="power_level")


async def _check_only_one(connection: Connection, provider: str, model_id: str) -> None:
    """The provider's row is held since the insert: nobody adds another meanwhile."""
    if await models.count_of(connection, provider, model_id) > 1:
        raise Conflict(f"{provider}/{model_id} is listed.", param="model_id", code="taken")


async def _found(connection: Connection, model_id: int, *, for_update: bool = False) -> ModelRow:
    row = await models.find_model(connection, model_id, for_update=for_update)
    if row is None:
        raise NotFound(
            f"There is no model with the id {model_id}.", param="id", code="model_not_found"
        )
    return row
