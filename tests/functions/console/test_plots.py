"""A plot is drawn with numbers alone, and says in words what it shows."""

from __future__ import annotations

import re

from functions.console.plots import Bar, bars, heat


def test_a_bar_that_is_hardly_there_is_drawn_by_a_number() -> None:
    drawn = str(bars([Bar("a", 1000, "much"), Bar("b", 0.001, "little"), Bar("c", 0, "none")], "x"))
    found = re.search(r'class="bar" d="([^"]*)"', drawn)
    assert found is not None
    assert found[1] == "M5 100v-100M15 100v-1"


def test_what_is_told_of_a_bar_is_text() -> None:
    assert "<script" not in bars([Bar("<script>", 1, '"><script>')], '"><script>')


def test_each_hour_has_a_cell() -> None:
    drawn = str(heat([[0] * 24, [*range(24)]], "Hours"))
    assert len(re.findall(r"M\d+ \d+h8", drawn)) == 48
    assert 'class="heat4"' in drawn
