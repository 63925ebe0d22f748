"""What a rule of a strict provider is, and how a request is held to some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

Body = dict[str, Any]


class Rule(NamedTuple):
    """`source` is the document or the recorded answer that the rule was read in.

    `broken` yields what a request breaks, in words near to the provider's own.
    """

    source: str
    broken: Callable[[Body], Iterator[str]]


def complaints(rules: Iterable[Rule], body: Body) -> list[str]:
    """Everything that a provider with these rules would refuse `body` for; empty: it answers."""
    return [f"{one} [{rule.source}]" for rule in rules for one in rule.broken(body)]
