"""Who is calling, as every part of a request sees it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.routing.snapshot import Tier


class Role(StrEnum):
    USER = "user"
    ADMIN = "admin"


class Caller(msgspec.Struct, frozen=True):
    """The holder of a token. `expires_at_s` is Unix time; `allowed_models` None allows every model.

    `token_id` is None for the try-out tokens of `switchyard up`, which are in no table.
    """

    user_id: str
    team_id: str | None
    tier: Tier
    role: Role
    token_id: int | None
    scopes: frozenset[str]
    allowed_models: frozenset[str] | None
    expires_at_s: float | None
