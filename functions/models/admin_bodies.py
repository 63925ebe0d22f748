"""What an admin may say of a model and its price."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=200)]
# What goes upstream, and into a header: printable ASCII.
ModelId = Annotated[str, Meta(pattern=r"^[!-~]{1,200}$")]
Words = Annotated[str, Meta(max_length=2000)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Level = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,50}$")]
TierName = Literal["free", "starter", "professional", "enterprise"]


class NewPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tiers` as in model_prices: `[{"start_tokens": 0, "input": "0.075", "output": "0.30"}]`,
    USD per million tokens as decimal strings. `source` says where the price was read.
    """

    tiers: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=20)]
    source: Name = "admin"


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`power_level` null: no level picks it by itself. `price` makes a new version."""

    name: Name | UnsetType = UNSET
    display_name: Name | UnsetType | None = UNSET
    description: Words | UnsetType | None = UNSET
    max_tokens: Tokens | UnsetType | None = UNSET
    context_window: Tokens | UnsetType | None = UNSET
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

    def values(self) -> dict[str, Any]:
        """What was said of the row itself, by the names of ModelRow."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        for elsewhere in ("price", "provider"):
            said.pop(elsewhere, None)
        return {name: value for name, value in said.items() if value is not UNSET}


class ChangeModel(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Its provider and `model_id` never change: rows of the usage log mean them."""


class NewModel(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`provider` is a slug, `model_id` what goes upstream; the rest may be left out."""

    provider: Annotated[str, Meta(min_length=1, max_length=63)]
    model_id: ModelId
