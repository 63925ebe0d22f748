"""The body of a dry run; those of rules and levels are in shared/catalog."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.catalog.aliases import NewAlias
from shared.catalog.rule_checks import NewRule
from shared.limits.changes import NewLimit
from shared.replay.dry_run import NewPriceOf
from shared.replay.past import MOST


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them: a rule as it would be added; an alias or a limit as it would be, in the place of
    the one of that name or subject; a price for a listed model.
    """

    rule: NewRule | UnsetType = UNSET
    alias: NewAlias | UnsetType = UNSET
    price: NewPriceOf | UnsetType = UNSET
    limit: NewLimit | UnsetType = UNSET

    @property
    def given(self) -> list[str]:
        return [name for name in self.__struct_fields__ if getattr(self, name) is not UNSET]


class DryRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tried on one `request`, the body of a completion, which a rule alone can be; or on the `last`
    requests that were answered.
    """

    change: Change
    request: dict[str, Any] | UnsetType = UNSET
    last: Annotated[int, Meta(ge=1, le=MOST)] | UnsetType = UNSET
