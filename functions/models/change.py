"""An admin's changes to models and prices: rules, rows and audit trail, in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UnsetType

from functions.models.admin_bodies import ChangeModel, NewModel, NewPrice
from shared.catalog import models
from shared.catalog.models import Connection, ModelRow
from shared.db.audit import Actor, append_audit
from shared.db.connect import Database
from shared.errors import Conflict, InvalidField, NotFound
from shared.pricing.price import parse_price


async def find(database: Database, model_id: int) -> ModelRow:
    """Raises NotFound."""
    async with database.connection() as connection:
        return await _there(connection, model_id)


async def create(database: Database, actor: Actor, body: NewModel) -> ModelRow:
    """Raises InvalidField, Conflict."""
    values = {"name": body.model_id, **body.values()}
    prices = _prices(body.price)
    async with database.connection() as connection, connection.transaction():
        await _check_level(connection, body.power_level)
        model_id = await models.create_model(connection, body.provider, values)
        if model_id is None:
            raise InvalidField(
                f"There is no provider '{body.provider}'.",
                param="provider",
                code="provider_not_found",
            )
        await _check_only_one(connection, body.provider, body.model_id)
        await _add_price(connection, model_id, prices, body.price)
        details = {**_plain(values), "provider": body.provider, "prices": prices}
        await append_audit(connection, actor, "model.create", "model", model_id, details=details)
        return await _there(connection, model_id)


async def change(database: Database, actor: Actor, model_id: int, body: ChangeModel) -> ModelRow:
    """Raises NotFound, InvalidField. A price that is the newest already makes no version."""
    changes, prices = body.values(), _prices(body.price)
    if not changes and prices is None:
        raise InvalidField("There is nothing to change in the body.", param="body")
    async with database.connection() as connection, connection.transaction():
        before = await _there(connection, model_id, for_update=True)
        await _check_level(connection, body.power_level)
        if changes:
            await models.change_model(connection, model_id, changes)
        if before.price is None or prices != before.price.prices:
            await _add_price(connection, model_id, prices, body.price)
        details = {"changes": _plain(changes), "prices": prices}
        await append_audit(connection, actor, "model.change", "model", model_id, details=details)
        return await _there(connection, model_id)


async def delete(database: Database, actor: Actor, model_id: int) -> None:
    """Raises NotFound; Conflict where rules or usage name it."""
    async with database.connection() as connection, connection.transaction():
        row = await _there(connection, model_id, for_update=True)
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
        await append_audit(connection, actor, "model.delete", "model", model_id, details=details)


def _prices(price: NewPrice | UnsetType) -> dict[str, Any] | None:
    """As model_prices keeps them. Raises InvalidField where they cannot be read back."""
    if isinstance(price, UnsetType):
        return None
    tiers = [{"cached": None, "cache_write": None, **tier} for tier in price.tiers]
    try:
        parse_price(1, {"tiers": tiers})
    except ValueError as error:
        raise InvalidField(
            f"'price.tiers' is wrong: {error}.", param="price.tiers", code="price_unreadable"
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


async def _there(connection: Connection, model_id: int, *, for_update: bool = False) -> ModelRow:
    row = await models.find_model(connection, model_id, for_update=for_update)
    if row is None:
        raise NotFound(
            f"There is no model with the id {model_id}.", param="id", code="model_not_found"
        )
    return row


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it: dates as text."""
    return msgspec.to_builtins(values)
