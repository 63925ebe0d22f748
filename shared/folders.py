"""Finds functions by folder name, for code that may not import them: the command line and the
Lambda entry points.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from shared.function import Function


def function_names(having: str = "function") -> list[str]:
    """The folders of functions/ that have a bill of materials, or a module named `having`."""
    folders = cast(Iterable[str], import_module("functions").__path__)
    files = [file for folder in folders for file in Path(folder).glob(f"*/{having}.py")]
    return sorted(file.parent.name for file in files)


def module_of(name: str, file: str) -> ModuleType:
    """functions/<name>/<file>.py. Raises ModuleNotFoundError if it, or a dependency of it, is not
    installed.
    """
    return import_module(f"functions.{name}.{file}")


def bill_of_materials(name: str) -> Function:
    """The constant in functions/<name>/function.py that has its folder's name, in capitals.

    Raises ModuleNotFoundError as `module_of` does.
    """
    return cast(Function, getattr(module_of(name, "function"), name.upper()))
