"""What a token may be used for, within its role."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A token without any may do all that its role allows."""

    COMPLETIONS = "completions"
    """Completions, and asking where one would go."""
    KEYS = "keys"
    """The caller's own provider keys."""
    USAGE = "usage"
    """The caller's own usage."""
    ADMIN = "admin"
    """Every admin route, for the admin role."""
