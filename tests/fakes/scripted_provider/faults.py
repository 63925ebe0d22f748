"""What a caller may ask to go wrong, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

LONGEST_MS = 600_000
MOST_EVENTS = 100_000


class UnknownFault(ValueError):
    """A fault that cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Faults:
    """`delay_ms` comes before the head, `drip_ms` between two SSE events. None: not asked for.

    `cut_after` counts every SSE event; an answer that is no stream is cut in the middle of its
    body whatever the number. `error_after` counts as `cut_after` does; an answer that is no stream
    is an error whatever the number. `events` counts the events that carry content.
    """

    status: int | None = None
    retry_after_s: int | None = None
    delay_ms: int = 0
    drip_ms: int = 0
    cut_after: int | None = None
    error_after: int | None = None
    events: int | None = None
    hang: bool = False
    no_usage: bool = False


NONE = Faults()

_WORD = re.compile(r"(status|delay|cut|error|drip|events)-([0-9]{1,9})(?:-retry-([0-9]{1,6}))?")
_FIELDS = {
    "delay": ("delay_ms", 0, LONGEST_MS),
    "drip": ("drip_ms", 0, LONGEST_MS),
    "cut": ("cut_after", 0, MOST_EVENTS),
    "error": ("error_after", 0, MOST_EVENTS),
    "events": ("events", 1, MOST_EVENTS),
    "status": ("status", 400, 599),
}


def asked_by_model(model: str) -> str:
    """The faults in a model's name, with or without a vendor before it; empty when none.

    `simulate-drip-50+cut-4` and `openai/simulate-drip-50+cut-4` both ask for `drip-50+cut-4`.
    """
    name = model.rpartition("/")[2]
    return name.removeprefix("simulate-") if name.startswith("simulate-") else ""


def parse(*texts: str) -> Faults:
    """Faults joined with `+` or `;`; of two that contradict each other the later counts.

    Raises UnknownFault.
    """
    faults = NONE
    for text in texts:
        if text:
            for word in text.replace(";", "+").split("+"):
                if word.strip():
                    faults = _with(faults, word.strip())
    return faults


def _with(faults: Faults, word: str) -> Faults:
    if word == "hang":
        return replace(faults, hang=True)
    if word == "nousage":
        return replace(faults, no_usage=True)
    match = _WORD.fullmatch(word)
    if match is None:
        raise UnknownFault(f"unknown fault {word!r}")
    kind, number, retry = match[1], int(match[2]), match[3]
    field, least, most = _FIELDS[kind]
    if not least <= number <= most:
        raise UnknownFault(f"fault {word!r}: the number must be from {least} to {most}")
    if kind == "status":
        return replace(faults, status=number, retry_after_s=None if retry is None else int(retry))
    if retry is not None:
        raise UnknownFault(f"fault {word!r}: only a status takes retry")
    return replace(faults, **{field: number})
