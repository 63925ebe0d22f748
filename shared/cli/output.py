"""How commands print: JSON alone on stdout, or a table that is whole wherever it goes."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from shared.log import escaped

# Of a pipe or a file, which have no edge: no cell is folded there, so that grep and awk find it.
_NO_EDGE = 100_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(answer: object) -> None:
    """One line of JSON; a struct is an object with its fields' names."""
    click.echo(msgspec.json.encode(answer))


def print_table(table: Table, otherwise: str | None = None) -> None:
    """A table: framed on a terminal; without a frame, and never folded, in a pipe or a file.

    `otherwise` is printed to stderr in place of a table without rows.
    """
    if not table.row_count and otherwise is not None:
        click.echo(otherwise, err=True)
        return
    for column in table.columns:
        column.overflow = "fold"
        # Names and labels of others are among them, and rich hands on what moves a cursor.
        cells = column._cells  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        cells[:] = [
            escaped(cell, keeps_lines=True) if isinstance(cell, str) else cell for cell in cells
        ]
    if sys.stdout.isatty():
        Console().print(table)
        return
    table.box, table.pad_edge, table.title, table.caption = None, False, None, None
    Console(width=_NO_EDGE, color_system=None).print(table)


def print_rows(rows: list[dict[str, Any]], otherwise: str) -> None:
    """A table of rows that have the same names; `otherwise` where there are none."""
    if not rows:
        click.echo(otherwise)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    print_table(table)


def _cell(value: Any) -> str:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return "" if value is None else str(value)
