"""A secret as a value: it goes where it is revealed by name, and into nothing else."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

import msgspec

_SHOWN_AT_END = 4
# Of a shorter key four characters would be too much of it.
_SHOWN_FROM_LENGTH = 12


class SecretText:
    """Text that no repr, format, log line, traceback or serializer shows.

    `str()` and f-strings give a placeholder; pickle and JSON raise TypeError.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The secret itself, for the one place that sends or seals it."""
        return self.__text

    def __repr__(self) -> str:
        return "SecretText(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretText):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash(self.__text)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not serialized")


class Shown(msgspec.Struct, frozen=True):
    """All that is ever shown of a key: its last four characters (if it is long enough) and a
    fingerprint, by which two keys can be told apart.
    """

    suffix: str
    fingerprint: str


def shown(key: SecretText) -> Shown:
    text = key.reveal()
    suffix = text[-_SHOWN_AT_END:] if len(text) >= _SHOWN_FROM_LENGTH else ""
    # Not keyed: it must outlive a rotation. 64 bits of a hash of a random key give nothing away.
    digest = hashlib.sha256(b"switchyard key fingerprint\0" + text.encode()).hexdigest()
    return Shown(suffix, digest[:16])


def masked(suffix: str | None) -> str:
    """`***...mnop`, as an answer shows a key."""
    return f"***...{suffix or ''}"
