"""Seals a provider key together with whose it is and where it may go.

Fernet has no associated data, so the owner is inside: a row's ciphertext that was copied into
another row opens, says so, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.vault.keyring import CannotOpen, KeyRing
from shared.vault.owner import NotOpened, Owner, WhyNot
from shared.vault.refresh import RingReader
from shared.vault.secret import SecretText


class Sealed(msgspec.Struct, frozen=True):
    """`key_id` names the ring's key that sealed it."""

    text: str
    key_id: str


class _Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user: str | None
    provider: str
    host: str
    key: str

    def __repr__(self) -> str:
        return "_Contents(***)"


_decoder = msgspec.json.Decoder(_Contents)


class Vault:
    """Seals and opens with a ring, which may be exchanged while requests run; `read` as RingReader
    takes it.
    """

    def __init__(self, ring: KeyRing, read: Callable[[], KeyRing] | None = None) -> None:
        self.reader = RingReader(ring, read)

    @property
    def ring(self) -> KeyRing:
        return self.reader.ring

    def seal(self, owner: Owner, key: SecretText) -> Sealed:
        ring = self.ring
        contents = _Contents(owner.user, owner.provider, owner.host, key.reveal())
        return Sealed(ring.seal(msgspec.json.encode(contents)), ring.primary_id)

    def open(self, owner: Owner, sealed: str) -> SecretText:
        """The key, if it was sealed for this owner. Raises NotOpened."""
        try:
            contents = _decoder.decode(self.ring.open(sealed))
        except CannotOpen as error:
            raise NotOpened(WhyNot.DAMAGED) from error
        except msgspec.DecodeError:
            # `from None`: the decoder's complaint is about the opened key.
            raise NotOpened(WhyNot.NO_OWNER) from None
        if (contents.user, contents.provider) != (owner.user, owner.provider):
            raise NotOpened(WhyNot.ANOTHER_OWNER)
        if contents.host not in (owner.host, owner.earlier):
            raise NotOpened(WhyNot.HOST_CHANGED)
        return SecretText(contents.key)

    def reseal(self, sealed: str) -> Sealed:
        """The same contents, whosever they are, under the ring's newest key. Raises NotOpened."""
        ring = self.ring
        try:
            return Sealed(ring.seal(ring.open(sealed)), ring.primary_id)
        except CannotOpen as error:
            raise NotOpened(WhyNot.DAMAGED) from error

    def open_older(self, sealed: str) -> SecretText:
        """What the older system sealed, the key alone. Raises NotOpened for all else."""
        try:
            plain = self.ring.open(sealed)
        except CannotOpen as error:
            raise NotOpened(WhyNot.DAMAGED) from error
        try:
            _decoder.decode(plain)
        except msgspec.DecodeError:
            return SecretText(plain.decode("ascii", "replace"))
        raise NotOpened(WhyNot.ANOTHER_OWNER)
