"""The body of a dry run; those of rules and levels are in shared/catalog."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.catalog.rule_checks import NewRule


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it would be added."""

    rule: NewRule


class DryRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`request` is the body of a completion."""

    change: Change
    request: dict[str, Any]
