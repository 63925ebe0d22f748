"""The tree as text and syntax, for tests that hold DESIGN.md's rules; nothing of it is imported."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("functions", "shared", "migrations")
# A name, and the line it is used on.
Use = tuple[str, int]


@dataclass(frozen=True)
class Module:
    """A Python file; `path` is relative to the root, with forward slashes."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """As it is imported: `shared.db` of `shared/db/__init__.py`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def syntax(self) -> ast.Module:
        return _parse(self.path, self.text)

    def imports(self) -> tuple[Use, ...]:
        """Each name imported, in full (`from os import path` is `os.path`).

        Those inside functions and TYPE_CHECKING blocks count too.
        """
        return _imports(self)

    def attributes(self) -> tuple[Use, ...]:
        """Each dotted use as written: `os.environ`, `self._loop.create_server`."""
        return _attributes(self)

    def calls(self) -> tuple[Use, ...]:
        """The name of each plain call: `print(...)` is `print`."""
        return _calls(self)


# Kept: many rules read the same tree, and walking it is most of what they cost.
@cache
def _imports(module: Module) -> tuple[Use, ...]:
    found: list[Use] = []
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.extend((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
    return tuple(found)


@cache
def _attributes(module: Module) -> tuple[Use, ...]:
    attributes = (one for one in ast.walk(module.syntax) if isinstance(one, ast.Attribute))
    return tuple((ast.unparse(one), one.lineno) for one in attributes)


@cache
def _calls(module: Module) -> tuple[Use, ...]:
    calls = (one for one in ast.walk(module.syntax) if isinstance(one, ast.Call))
    return tuple((one.func.id, one.lineno) for one in calls if isinstance(one.func, ast.Name))


@cache
def _parse(path: str, text: str) -> ast.Module:
    return ast.parse(text, path)


@cache
def tracked() -> tuple[str, ...]:
    """What git tracks, relative to the root. Raises CalledProcessError outside a clone."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(name for name in listed.split("\0") if name)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module on disk below these folders, by path; of the code that runs by default."""
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        for folder in folders or CODE
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def functions() -> list[str]:
    """The names of the folders of functions/."""
    found = (ROOT / "functions").iterdir()
    return sorted(folder.name for folder in found if (folder / "__init__.py").is_file())
