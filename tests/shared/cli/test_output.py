from __future__ import annotations

import io
import sys

import pytest
from rich.table import Table

from shared.cli.output import print_table

LONG = "accounts/fireworks/models/" + "a-very-long-name-" * 8


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _table() -> Table:
    table = Table("model", "price")
    table.add_row(LONG, "0.15")
    return table


def test_in_a_pipe_a_line_is_a_row_and_no_cell_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(_table())
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["model", "price"],
        [LONG, "0.15"],
    ]


def test_on_a_terminal_a_table_fits_it_and_a_long_cell_is_folded_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = _Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    print_table(_table())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    cells = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert "".join(cells) == LONG


def test_without_a_row_a_sentence_stands_on_stderr_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(Table("model"), "No models.")
    assert capsys.readouterr() == ("", "No models.\n")
