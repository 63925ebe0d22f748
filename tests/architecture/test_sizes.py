"""The tail of sizes is shown, longest first; the code itself has none (STYLE.md)."""

from __future__ import annotations

from tests.architecture.tail import FILE_LINES, FUNCTION_LINES, tail
from tests.architecture.tree import Module, modules


def function_of(lines: int, name: str) -> str:
    return f"def {name}():\n" + "    step()\n" * (lines - 1)


def test_no_file_and_no_function_of_the_code_is_over_its_aim() -> None:
    assert tail(modules("functions", "shared")) == []


def test_only_what_is_over_the_aim_is_shown() -> None:
    fitting = function_of(FUNCTION_LINES, "fits") + "x = 1\n" * (FILE_LINES - FUNCTION_LINES)
    assert tail([Module("fits.py", fitting)]) == []
    assert tail([Module("long.py", fitting + "x = 1\n")]) == [f"{FILE_LINES + 1:5} long.py"]


def test_the_longest_comes_first_and_methods_count() -> None:
    long = function_of(60, "long")
    method = (
        "class Thing:\n" + "    async " + function_of(70, "run").replace("\n    ", "\n        ")
    )
    assert tail([Module("a.py", long), Module("b.py", method)]) == [
        "   70 b.py:2 run",
        "   60 a.py:1 long",
    ]
