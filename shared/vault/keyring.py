"""The key ring that seals users' provider keys: one Fernet key, or several, newest first."""

from __future__ import annotations

from cryptography.fernet import Fernet, MultiFernet

_MAKE_ONE = "`switchyard key generate` makes one"


def generate_key() -> str:
    """A new Fernet key, as BYOK_ENCRYPTION_KEY takes it: 44 characters of URL-safe base64."""
    return Fernet.generate_key().decode("ascii")


def parse_key_ring(text: str) -> MultiFernet:
    """The ring of the keys in `text`, separated by commas; the first one seals, all of them open.

    Raises ValueError("Invalid encryption key: …") by the position of the key at fault; the
    message holds no part of a key.
    """
    keys = [key.strip() for key in text.split(",")]
    ring: list[Fernet] = []
    for position, key in enumerate(keys, start=1):
        try:
            ring.append(Fernet(key))
        except ValueError as error:
            which = f"key {position} of {len(keys)}" if len(keys) > 1 else "it"
            raise ValueError(
                f"Invalid encryption key: {which} is not 32 bytes in URL-safe base64; {_MAKE_ONE}"
            ) from error
    return MultiFernet(ring)
