"""Draws by weight that a session always makes alike. Pure.

Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005):
the nearest comes first, with a chance of its weight among all, and where one drops out, only the
sessions that had it first move.
"""

from __future__ import annotations

import hashlib
import math

_WORD = 2**64 - 1
_ODD = 0x9E3779B97F4A7C15


def number_of(text: str) -> int:
    """64 bits of a session, or of a thing that is drawn."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def distance(seed: int, number: int, weight: int) -> float:
    """How far the thing `number` is from a session's `seed`; without a weight, behind all others.

    Exponentially distributed with the weight as its rate. The mixing is the finish of splitmix64
    (Steele, Lea and Flood, OOPSLA 2014): one hash a session and this for each thing costs a third
    of a hash for each.
    """
    if weight <= 0:
        return math.inf
    mixed = (seed ^ number * _ODD) & _WORD
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _WORD
    return -math.log(((mixed ^ mixed >> 31) + 1) / (_WORD + 2)) / weight
