"""The key ring that seals provider keys: one Fernet key, or several, newest first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

MAKE_ONE = "`switchyard key generate` makes one"


class CannotOpen(Exception):
    """No key of the ring sealed this, or it was changed since."""


class KeyRing:
    """The first key seals, all of them open. `ids` name the keys and give nothing of them away."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError for what is no Fernet key; its message holds no part of one."""
        self._keys = tuple(keys)
        self._ring = MultiFernet([Fernet(key) for key in keys])
        self.ids = tuple(_id_of(key) for key in keys)

    @property
    def primary_id(self) -> str:
        """The id of the key that seals."""
        return self.ids[0]

    def newest_alone(self) -> KeyRing:
        """What would be left if every older key were taken out."""
        return KeyRing(self._keys[:1])

    def seal(self, plain: bytes) -> str:
        return self._ring.encrypt(plain).decode("ascii")

    def open(self, sealed: str) -> bytes:
        """Raises CannotOpen."""
        try:
            return self._ring.decrypt(sealed)
        except (InvalidToken, ValueError) as error:
            # ValueError: text that is not ASCII, as an edit by hand may leave it.
            raise CannotOpen from error


def generate_key() -> str:
    """A new Fernet key, as BYOK_ENCRYPTION_KEY takes it: 44 characters of URL-safe base64."""
    return Fernet.generate_key().decode("ascii")


def parse_key_ring(text: str) -> KeyRing:
    """The ring of the keys in `text`, separated by commas.

    Raises ValueError("Invalid encryption key: …") by the position of the key at fault; the
    message holds no part of a key.
    """
    keys = [key.strip() for key in text.split(",")]
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError as error:
            which = f"key {position} of {len(keys)}" if len(keys) > 1 else "it"
            raise ValueError(
                f"Invalid encryption key: {which} is not 32 bytes in URL-safe base64; {MAKE_ONE}"
            ) from error
    return KeyRing(keys)


def _id_of(key: str) -> str:
    return hashlib.sha256(b"switchyard key id\0" + key.encode()).hexdigest()[:12]
