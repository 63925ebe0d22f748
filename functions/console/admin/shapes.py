"""Fields of a form that are not as the API's body has them, there and back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from shared.errors import InvalidField


def alias_of(fields: dict[str, Any]) -> dict[str, Any]:
    """A target is a name, or names with their shares: `eco 80, balanced 20`."""
    text = fields.get("target")
    if text is None or not ("," in text or " " in text):
        return fields
    try:
        parts = [part.split() for part in text.split(",")]
        targets = [{"target": name, "weight": int(weight)} for name, weight in parts]
    except ValueError as error:
        raise InvalidField(
            "Write one target, or several with their shares: 'eco 80, balanced 20'.",
            param="target",
        ) from error
    return {**fields, "target": targets}


def alias_filled(row: Any) -> Mapping[str, object]:
    return {**msgspec.structs.asdict(row), "target": targets_of(row)}


def targets_of(row: Any) -> str:
    if len(row.targets) == 1:
        return row.targets[0].target
    return ", ".join(f"{one.target} {one.weight}" for one in row.targets)


def model_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Two prices make a version of them; none leaves the price as it is."""
    prices = {name: fields.pop(f"price_{name}", None) for name in ("input", "output")}
    given = {name: text for name, text in prices.items() if text}
    if not given:
        return fields
    if len(given) < len(prices):
        raise InvalidField("Give both prices, input and output.", param="price")
    tier = {"start_tokens": 0, **given}
    return {**fields, "price": {"tiers": [tier], "source": "admin"}}


def price_of(name: str) -> Callable[[Any], object]:
    def read(row: Any) -> object:
        tiers: list[dict[str, Any]] = [] if row.price is None else row.price.prices.get("tiers", [])
        return tiers[0].get(name) if tiers else None

    return read


def model_filled(row: Any) -> Mapping[str, object]:
    return {**msgspec.structs.asdict(row), "price_input": None, "price_output": None}


def shown(value: object) -> str:
    """A field's value as its input has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
