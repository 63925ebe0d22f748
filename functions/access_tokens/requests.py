"""What an admin may say of a token; any other field is refused by its name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from shared.auth.caller import Role
from shared.auth.scope import Scope
from shared.errors import InvalidField
from shared.routing.snapshot import Tier

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_OVERLAP_HOURS = 30 * 24


class CreateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scopes` absent: those of the admin who asks, which for most is all that `role` allows.

    `allowed_models` null allows every model, `expires_at` null for ever. `name` is the user's id
    unless it is given.
    """

    user_id: Word
    tier: Tier
    role: Role = Role.USER
    name: Word | None = None
    team_id: Word | None = None
    scopes: list[Scope] | None = None
    allowed_models: list[Word] | None = None
    expires_at: Moment | None = None


class ChangeToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is there is changed; null takes a team, a list of models or an end away."""

    name: Word | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    team_id: Word | UnsetType | None = UNSET
    scopes: list[Scope] | UnsetType = UNSET
    allowed_models: list[Word] | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET

    def changes(self) -> dict[str, Any]:
        """By column. Raises InvalidField where there is nothing to change."""
        found = {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if value is not UNSET
        }
        if not found:
            raise InvalidField(
                "Say what to change: name, tier, role, team_id, scopes, allowed_models or"
                " expires_at.",
                code="nothing_to_change",
            )
        return found


class RotateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`overlap_hours` 0 ends the old token at once: it has leaked."""

    overlap_hours: Annotated[float, msgspec.Meta(ge=0, le=MAX_OVERLAP_HOURS)] = 24
