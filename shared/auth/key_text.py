"""A provider's key as a client sends it."""

from __future__ import annotations

from shared.errors import InvalidField
from shared.vault.secret import SecretText

_MIN_CHARS = 8
_MAX_CHARS = 4096


def read_key(text: str) -> SecretText:
    """The key, without blanks around it. Raises InvalidField for what no header can carry."""
    key = text.strip()
    if not _MIN_CHARS <= len(key) <= _MAX_CHARS or not all("!" <= one <= "~" for one in key):
        raise InvalidField(
            f"An API key is {_MIN_CHARS} to {_MAX_CHARS} visible ASCII characters without blanks;"
            " check that it was copied whole.",
            param="api_key",
        )
    return SecretText(key)
