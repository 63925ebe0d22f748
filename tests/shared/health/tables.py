"""Tables of circuits whose clock passes when told to, and candidates to fail at."""

from __future__ import annotations

from typing import Any

from shared.errors import ProviderUnavailable
from shared.health.circuits_table import CircuitTable
from shared.routing.choice import Candidate, Reason
from tests.shared.routing.catalog import FLASH, OPUS, OSS, TERRA

OPENAI = Candidate(TERRA, Reason.RULE)
GOOGLE, GROQ, ANTHROPIC = (Candidate(one, Reason.RULE) for one in (FLASH, OSS, OPUS))
PLACE = ("openai", "gpt-6.1-terra", None)


class Clock:
    """Seconds that pass when told to; its zero is not the other process's."""

    def __init__(self, zero: float) -> None:
        self.now = zero

    def __call__(self) -> float:
        return self.now


def table(zero: float = 100.0) -> CircuitTable:
    return CircuitTable(clock=Clock(zero), chance=lambda: 0.0)


def fail(of: CircuitTable, candidate: Candidate = OPENAI, times: int = 5, **how: Any) -> None:
    how = {"caller": "ann", **({} if how.get("never_connected") else {"status": 503}), **how}
    for _ in range(times):
        of.failed(candidate, ProviderUnavailable("openai", ""), **how)
