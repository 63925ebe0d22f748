"""A caller's own provider keys as the router sees them: when to use one, and what may follow it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class UsePolicy(StrEnum):
    """When a caller's own key is used at its provider.

    `prefer`: before the platform's key. `last_resort`: after it. `only`: it alone, and a request
    it serves is never paid by the platform, whatever fails.
    """

    PREFER = "prefer"
    ONLY = "only"
    LAST_RESORT = "last_resort"


class PlatformFallback(StrEnum):
    """What a caller lets the platform pay for once their own key has failed."""

    NEVER = "never"
    ON_RATE_LIMIT = "on_rate_limit"
    ALWAYS = "always"


class OwnKey(msgspec.Struct, frozen=True):
    """One row of user_api_keys that is switched on; the key itself is not in it.

    `provider` is a slug. `is_refused`: the provider refused it, so a request that would use it is
    answered with that, and nothing is sent.
    """

    id: int
    provider: str
    policy: UsePolicy = UsePolicy.PREFER
    platform_fallback: PlatformFallback = PlatformFallback.NEVER
    is_refused: bool = False
