"""Prints the longest files and functions: `python -m tests.architecture.tail`.

STYLE.md aims at files of up to 300 lines and functions of up to 50. functions/ and shared/ keep to
that (test_sizes.py); a test that needs more room has it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.tree import CODE, Module, modules

FILE_LINES = 300
FUNCTION_LINES = 50


def tail(among: Iterable[Module]) -> list[str]:
    """A line for each file and function over its aim, longest first, files before functions."""
    among = list(among)
    files = [(len(one.text.splitlines()), one.path) for one in among]
    long_files = [size for size in files if size[0] > FILE_LINES]
    long_functions = [
        size for one in among for size in _function_sizes(one) if size[0] > FUNCTION_LINES
    ]
    ordered = [*sorted(long_files, reverse=True), *sorted(long_functions, reverse=True)]
    return [f"{lines:5} {what}" for lines, what in ordered]


def _function_sizes(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield lines, f"{module.path}:{node.lineno} {node.name}"


if __name__ == "__main__":
    aim = f"files over {FILE_LINES} lines, functions over {FUNCTION_LINES}"
    print("\n".join([f"{aim}:", *(tail(modules(*CODE, "tests")) or ["  none"])]))
