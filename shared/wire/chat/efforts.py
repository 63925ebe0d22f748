"""How much a model is to think, in the words that its version knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_ASCENDING: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""openai-python, types/shared/reasoning_effort.py."""

_ON: Final = "default"
"""Groq's word for thinking as such (console.groq.com/docs/reasoning)."""


def nearest_effort(asked: str, known: Collection[str]) -> str | None:
    """The one of `known` that is nearest to `asked`, of two the lesser; None: there is none.

    Who asked for some thinking is not given none.
    """
    if asked in known:
        return asked
    if _ON in known:
        return "none" if asked == "none" else _ON
    if asked not in _ASCENDING:
        return None
    place = _ASCENDING.index(asked)
    thinking = [one for one in known if one != "none"]
    ranked = [(abs(_ASCENDING.index(one) - place), _ASCENDING.index(one), one) for one in thinking]
    return min(ranked)[2] if ranked else None
