"""Access tokens as text: `sy_`, 43 random base62 digits (256 bits), 6 of a checksum.

The checksum is GitHub's idea of 2021 ("Behind GitHub's new authentication token formats"): base62
of CRC32 in a fixed width at the end. A mistyped or cut token is refused without asking the
database, and secret scanners find tokens without false alarms. It protects nothing: the random
digits do.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "sy_"
RANDOM_DIGITS = 43
CHECKSUM_DIGITS = 6
LENGTH = len(PREFIX) + RANDOM_DIGITS + CHECKSUM_DIGITS

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_DIGITS + CHECKSUM_DIGITS}}}")


def mint() -> str:
    """A new token of LENGTH characters. It is shown once; only its digest is kept."""
    text = PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(RANDOM_DIGITS))
    return text + _checksum(text)


def is_well_formed(token: str) -> bool:
    """Whether `token` could have come from `mint`; says nothing of whether it is known.

    The pinned tokens of `switchyard up` are not well formed: they are known by digest alone.
    """
    if _SHAPE.fullmatch(token) is None:
        return False
    return _checksum(token[:-CHECKSUM_DIGITS]) == token[-CHECKSUM_DIGITS:]


def digest(token: str) -> bytes:
    """The 32 bytes of SHA-256 by which a token is stored and found.

    Total over str: a lone surrogate hashes too, so that no header can raise here.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_DIGITS):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
