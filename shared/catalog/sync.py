"""What genai-prices knows beside what the catalog has: new models, new prices, models gone.

A model that it brings arrives switched off, a price as a new version. It never switches anything
on, and a price that was set by hand stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import psycopg

from shared.catalog import models
from shared.catalog.genai_prices import PricedModel, known_model, known_models
from shared.catalog.known_models import known_fields
from shared.catalog.models import ModelRow
from shared.catalog.providers import list_providers
from shared.db.audit import Action, Actor, append_audit
from shared.pricing.price import parse_price

_SOURCE = "genai-prices"
# Prices of before versions: shared/migrate/seeds.py takes them over under this name.
_TAKEN_OVER = "llm_models"

Connection = psycopg.AsyncConnection[Any]


class ChangeKind(StrEnum):
    NEW = "new"
    PRICE = "price"
    KEPT = "kept"
    """Its price differs, but was set by hand."""
    GONE = "gone"
    """In the catalog and switched on, and not known to genai-prices."""


class Change(msgspec.Struct, frozen=True):
    """Prices are those of the base tier, USD per million tokens: `input / output`."""

    kind: ChangeKind
    provider: str
    model_id: str
    is_active: bool
    was: str | None
    becomes: str | None


class Step(msgspec.Struct, frozen=True):
    """A change with what it takes to make it. `row_id` is None for a new model."""

    change: Change
    row_id: int | None
    known: PricedModel | None


async def provider_slugs(connection: Connection) -> list[str]:
    return [row.provider for row in await list_providers(connection)]


async def plan_sync(connection: Connection, providers: Sequence[str], at: datetime) -> list[Step]:
    """What would change for these providers; those that genai-prices does not know give nothing."""
    steps: list[Step] = []
    for provider in providers:
        try:
            known = known_models(provider, at)
        except LookupError:
            continue  # a server of the operator's own, say
        rows = await models.list_models(connection, provider)
        steps += _steps(provider, known, rows, at)
    return steps


async def apply_sync(
    connection: Connection, actor: Actor, steps: Iterable[Step], at: datetime
) -> None:
    """Make the changes in one transaction; what was only reported (kept, gone) stays as it is."""
    done: dict[str, dict[str, list[str]]] = {}
    async with connection.transaction():
        for step in steps:
            if step.known is None or step.change.kind not in (ChangeKind.NEW, ChangeKind.PRICE):
                continue
            row_id = step.row_id
            if row_id is None:
                row_id = await models.create_model(
                    connection, step.change.provider, _row_of(step.change, step.known)
                )
            else:
                await models.find_model(connection, row_id, for_update=True)
            if row_id is None:
                continue  # its provider was deleted meanwhile
            await models.add_price(
                connection, row_id, step.known.prices, source=step.known.source, at=at
            )
            ids = done.setdefault(step.change.provider, {})
            ids.setdefault(step.change.kind, []).append(step.change.model_id)
        for provider, ids in done.items():
            await append_audit(
                connection, actor, Action.CATALOG_SYNCED, "provider", provider, details=ids
            )


def _steps(
    provider: str, known: dict[str, PricedModel], rows: list[ModelRow], at: datetime
) -> Iterator[Step]:
    listed = {row.model_id for row in rows}
    for row in rows:
        found = known.get(row.model_id) or _by_another_name(provider, row.model_id, at)
        step = _gone(provider, row) if found is None else _repriced(provider, row, found)
        if step is not None:
            yield step
    for model_id, model in known.items():
        if model_id not in listed:
            change = Change(ChangeKind.NEW, provider, model_id, False, None, _shown(model.prices))
            yield Step(change, None, model)


def _by_another_name(provider: str, model_id: str, at: datetime) -> PricedModel | None:
    """genai-prices knows many ids by a pattern, dated ones among them."""
    try:
        return known_model(provider, model_id, at)
    except LookupError:
        return None


def _gone(provider: str, row: ModelRow) -> Step | None:
    if not row.is_active:
        return None
    was = None if row.price is None else _shown(row.price.prices)
    return Step(Change(ChangeKind.GONE, provider, row.model_id, True, was, None), row.id, None)


def _repriced(provider: str, row: ModelRow, found: PricedModel) -> Step | None:
    becomes = found.prices
    was = None if row.price is None else row.price.prices
    if was is not None and _is_same(was, becomes):
        return None
    by_hand = row.price is not None and not row.price.source.startswith((_SOURCE, _TAKEN_OVER))
    change = Change(
        ChangeKind.KEPT if by_hand else ChangeKind.PRICE,
        provider,
        row.model_id,
        row.is_active,
        None if was is None else _shown(was),
        _shown(becomes),
    )
    return Step(change, row.id, found)


def _is_same(was: dict[str, Any], becomes: dict[str, Any]) -> bool:
    """By what is billed, not by how it is written. A price that cannot be read is another."""
    try:
        return parse_price(0, was) == parse_price(0, becomes)
    except ValueError:
        return False


def _row_of(change: Change, known: PricedModel) -> dict[str, Any]:
    return {
        **known_fields(change.provider, change.model_id),
        "model_id": change.model_id,
        "name": known.name,
        "display_name": known.name,
        "description": known.description,
        "context_window": known.context_window,
        "is_active": False,
    }


def _shown(prices: dict[str, Any]) -> str:
    base: dict[str, Any] = prices["tiers"][0] if prices.get("tiers") else {}
    more = " …" if len(prices.get("tiers", ())) > 1 else ""
    return f"{base.get('input', '?')} / {base.get('output', '?')}{more}"
