"""What each version of Claude takes, read from its id; of a name that is not Claude's, all of it.

Sources: platform.claude.com, "Models overview" (output limits; thinking always on), "Effort" (which
versions take which), "Errors" (prefill not supported), migration guides of Claude Opus 4.6 (no
prefill), Opus 4.7, Sonnet 5 and Haiku 5.5 (no sampling); Effect-TS/effect release
ai-anthropic 4.0.0-beta.106 (output limits of 4.5 and 4.6).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_NAMED: Final = re.compile(
    r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?"
    r"|claude-(?P<old_major>\d)(?:[-.](?P<old_minor>\d))?-(?P<old_family>[a-z]+)"
)
_ALL_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """`efforts`: empty where the parameter is refused. `output_limit`: the tokens of one answer, as
    far as it is known."""

    samples: bool = True
    prefills: bool = True
    thinks_always: bool = False
    efforts: tuple[str, ...] = _ALL_EFFORTS
    output_limit: int | None = None


def abilities_of(model_id: str) -> Abilities:
    found = _NAMED.search(model_id)
    if found is None:
        return Abilities()
    family = found["family"] or found["old_family"]
    version = (
        int(found["major"] or found["old_major"]),
        int(found["minor"] or found["old_minor"] or 0),
    )
    return Abilities(
        samples=version <= (4, 6),
        prefills=version < (4, 6),
        thinks_always=family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)),
        efforts=_efforts(family, version),
        output_limit=_output_limit(family, version),
    )


def _efforts(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    if version > (4, 6):
        return _ALL_EFFORTS
    if version == (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if (family, version) == ("opus", (4, 5)) else ()


def _output_limit(family: str, version: tuple[int, int]) -> int:
    if version >= (4, 6):
        return 128_000
    if version < (3, 5):
        return 4096
    if version < (3, 7):
        return 8192
    return 32_000 if family == "opus" and version < (4, 5) else 64_000
