"""Plots as SVG: drawn here, colored by the style sheet, each beside a table that says the same.

Pure. Everything that is not a number goes through `Markup.format`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from functions.console.texts import percent
from shared.health.status_history import Span

_HEIGHT = 120
_CELL = Markup('<rect class="{}" x="{}" width="8" height="24" rx="1"><title>{}</title></rect>')
_GOOD, _FAIR = 0.999, 0.95


class Bar(NamedTuple):
    """`text` is what a reader is told of it."""

    label: str
    value: float | Decimal
    text: str


def strip(spans: Sequence[Span], label: str, form: str) -> Markup:
    """One cell a span, from bad to good; `form` of strftime says when it was."""
    cells = [
        _CELL.format(_grade(span), place * 10, f"{span.began_at.strftime(form)}: {_told(span)}")
        for place, span in enumerate(spans)
    ]
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 24" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(max(10 * len(spans) - 2, 1), label, Markup("").join(cells))


def bars(values: Sequence[Bar], label: str) -> Markup:
    """One bar a value, the highest as high as the plot."""
    most = max((float(one.value) for one in values), default=0.0) or 1.0
    shown: list[Markup] = []
    for place, one in enumerate(values):
        height = max(float(one.value) / most * _HEIGHT, 1.0 if one.value else 0.0)
        shown.append(
            Markup(
                '<g><title>{}</title><rect class="hit" x="{}" width="10" height="{}"/>'
                '<rect class="bar" x="{}" y="{}" width="8" height="{}" rx="1"/></g>'
            ).format(
                f"{one.label}: {one.text}",
                place * 10,
                _HEIGHT,
                place * 10 + 1,
                f"{_HEIGHT - height:.1f}",
                f"{height:.1f}",
            )
        )
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(max(10 * len(values), 1), _HEIGHT, label, Markup("").join(shown))


def share(value: float, label: str) -> Markup:
    """A horizontal bar that is filled to `value`, 0 to 1."""
    filled = min(max(value, 0.0), 1.0) * 100
    grade = "bad" if value >= 1 else "fair" if value >= 0.8 else "good"
    return Markup(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="track" width="100" height="6"/>'
        '<rect class="{}" width="{}" height="6"/></svg>'
    ).format(label, grade, f"{filled:.1f}")


def _grade(span: Span) -> str:
    if span.uptime is None:
        return "none"
    return "good" if span.uptime >= _GOOD else "fair" if span.uptime >= _FAIR else "bad"


def _told(span: Span) -> str:
    if span.uptime is None:
        return "no checks"
    return f"{percent(span.uptime)} of {span.checks} checks answered"
