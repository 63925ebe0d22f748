"""Whose a sealed key is, and why it would not open. Loads no cryptography."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Owner(msgspec.Struct, frozen=True):
    """Whose key it is, and where alone it may be sent. `user` None: the platform's.

    `provider` is a slug. `host` is the place of the provider's row as upstream/provider_url.py says
    it; what was sealed to `earlier` opens as well.
    """

    user: str | None
    provider: str
    host: str
    earlier: str | None = None


class WhyNot(StrEnum):
    """Why a sealed key does not open."""

    DAMAGED = "damaged"
    """Changed since, or sealed with a key that is not in the ring."""
    NO_OWNER = "no_owner"
    """Sealed by the older system, the key alone: `switchyard key rotate --adopt` takes it over."""
    ANOTHER_OWNER = "another_owner"
    HOST_CHANGED = "host_changed"


class NotOpened(Exception):
    def __init__(self, why: WhyNot) -> None:
        super().__init__(why.value)
        self.why = why
