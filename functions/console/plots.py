"""Plots as SVG: drawn here, colored by the style sheet, each beside a table that says the same.

A plot is a path for each color, as a page has many and is small. Pure. Everything that is not a
number goes through `Markup.format`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from shared.health.status_history import Span

_HEIGHT = 100
_GOOD, _FAIR = 0.999, 0.95
_HEATS = 4


class Bar(NamedTuple):
    """`text` is what a reader is told of it."""

    label: str
    value: float | Decimal
    text: str


def strip(spans: Sequence[Span], label: str) -> Markup:
    """One cell a span, from bad to good."""
    cells = _Cells()
    for place, span in enumerate(spans):
        cells.add(_grade(span), place * 10, 12)
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 24" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(max(10 * len(spans) - 2, 1), label, cells.drawn)


def bars(values: Sequence[Bar], label: str) -> Markup:
    """One bar a value, the highest as high as the plot."""
    most = max((float(one.value) for one in values), default=0.0) or 1.0
    heights = [
        max(round(float(one.value) / most * _HEIGHT), 1 if one.value else 0) for one in values
    ]
    drawn = "".join(
        f"M{place * 10 + 5} {_HEIGHT}v-{height}" for place, height in enumerate(heights) if height
    )
    # A bar is hovered over in all its height: the low ones are hard to hit.
    told = Markup("").join(
        Markup('<path d="M{} 0v{}"><title>{}</title></path>').format(
            place * 10 + 5, _HEIGHT, f"{one.label}: {one.text}"
        )
        for place, one in enumerate(values)
        if one.value
    )
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><path class="bar" d="{}"/>{}</svg>'
    ).format(max(10 * len(values), 1), _HEIGHT, label, drawn, told)


def heat(values: Sequence[Sequence[int]], label: str) -> Markup:
    """One cell a value, row by row; the highest is the darkest, and none has no color."""
    most = max((one for row in values for one in row), default=0)
    cells = _Cells()
    for down, row in enumerate(values):
        for across, one in enumerate(row):
            grade = -(-one * _HEATS // most) if most else 0
            cells.add(f"heat{grade}", across * 10, down * 28 + 12)
    width, height = 10 * max(map(len, values), default=0), 28 * len(values)
    return Markup(
        '<svg class="heat" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(max(width - 2, 1), max(height - 4, 1), label, cells.drawn)


def share(value: float, label: str) -> Markup:
    """A horizontal bar that is filled to `value`, 0 to 1."""
    filled = min(max(value, 0.0), 1.0) * 100
    grade = "bad" if value >= 1 else "fair" if value >= 0.8 else "good"
    return Markup(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="track" width="100" height="6"/>'
        '<rect class="{}" width="{}" height="6"/></svg>'
    ).format(label, grade, f"{filled:.1f}")


class _Cells:
    """Cells of 8 by 24, as strokes of a path for each color."""

    def __init__(self) -> None:
        self._paths: dict[str, list[str]] = {}

    def add(self, color: str, x: int, y: int) -> None:
        self._paths.setdefault(color, []).append(f"M{x} {y}h8")

    @property
    def drawn(self) -> Markup:
        return Markup("").join(
            Markup('<path class="{}" d="{}"/>').format(color, "".join(moves))
            for color, moves in self._paths.items()
        )


def _grade(span: Span) -> str:
    if span.uptime is None:
        return "none"
    return "good" if span.uptime >= _GOOD else "fair" if span.uptime >= _FAIR else "bad"
