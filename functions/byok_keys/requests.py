"""What a caller may say of a key; any other field is refused by its name."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.errors import InvalidField
from shared.routing.own_keys import PlatformFallback, UsePolicy

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class StoreKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Policies that are absent stay as they are, or take their defaults: prefer, never."""

    provider: str
    api_key: str
    name: Name | None = None
    use_policy: UsePolicy | None = None
    platform_fallback: PlatformFallback | None = None

    def __repr__(self) -> str:
        return f"StoreKey({self.provider})"


class ChangeKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is there is changed."""

    enabled: bool | None = None
    name: Name | None = None
    use_policy: UsePolicy | None = None
    platform_fallback: PlatformFallback | None = None

    def changes(self) -> dict[str, bool | str]:
        """Raises InvalidField where there is nothing to change."""
        found = {
            name: value for name, value in msgspec.structs.asdict(self).items() if value is not None
        }
        if not found:
            raise InvalidField(
                "Say what to change: enabled, name, use_policy or platform_fallback.",
                code="nothing_to_change",
            )
        return found
