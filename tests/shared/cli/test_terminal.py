"""Nothing that others wrote moves the cursor of whoever looks on."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from shared.cli.output import print_table
from shared.cli.running.log_lines import LogLines

HOSTILE = "model\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e"


def test_a_table_shows_controls_and_obeys_none(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("model")
    table.add_row(HOSTILE)
    print_table(table)
    printed = capsys.readouterr().out
    assert "model\\x1b[2J" in printed
    assert not {"\x1b", "\x07", "\x9b", "\x7f", "\u202e"} & set(printed)


def test_lines_of_processes_keep_their_colors_alone() -> None:
    out = io.StringIO()
    LogLines(["web"], out, color=False).write("web", f"\x1b[31mred\x1b[0m {HOSTILE}")
    written = out.getvalue()
    assert "\x1b[31mred\x1b[0m model\\x1b[2J" in written
    assert not {"\x07", "\x9b", "\x7f"} & set(written)
