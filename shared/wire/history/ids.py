"""Ids of calls, in the form that a provider takes."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict, deque

from shared.wire.history.rules import IdRule

_CHECKSUM_CHARS = 8


class CallIds:
    """The new ids of one conversation's calls, and of their results, in the order they come."""

    def __init__(self, rule: IdRule) -> None:
        self._rule = rule
        self._odd = re.compile(f"[^{rule.characters}]")
        self._count = 0
        self._given: set[str] = set()
        self._open: dict[str, deque[str]] = defaultdict(deque)

    def of_call(self, call_id: str) -> str:
        self._count += 1
        fitted = fit_id(call_id or f"call_{self._count}", self._rule, self._odd)
        if self._rule.is_unique and fitted in self._given:
            fitted = fit_id(f"{fitted}_{self._count}", self._rule, self._odd)
        self._given.add(fitted)
        self._open[call_id].append(fitted)
        return fitted

    def of_result(self, call_id: str) -> str:
        """The id that the call of this result was given: of calls alike, the first still open."""
        waiting = self._open[call_id]
        return waiting.popleft() if waiting else fit_id(call_id, self._rule, self._odd)


def fit_id(call_id: str, rule: IdRule, odd: re.Pattern[str] | None = None) -> str:
    """`call_id` as `rule` wants it, the same for the same id; a checksum keeps those apart that
    differ only in what was taken out."""
    odd = odd or re.compile(f"[^{rule.characters}]")
    if odd.search(call_id) is None and rule.least <= len(call_id) <= rule.most:
        return call_id
    plain = odd.sub("_", call_id)
    checksum = f"{zlib.crc32(call_id.encode()):0{_CHECKSUM_CHARS}x}"
    room = rule.most - _CHECKSUM_CHARS - 1
    return f"{plain[:room]}_{checksum}" if room > 0 else f"c{checksum}"
