"""Notes each statement that shared/ and functions/ send, in any process of a run of the tests.

`record_queries` starts them with tests/migrations/hook on their path. What is noted of a value is
whether it was NULL, or that it is a word which the code itself says (`'prefer'`); never more.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Generator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from textwrap import dedent
from types import FrameType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

FOLDER = "SWITCHYARD_TESTS_NOTE_QUERIES_IN"
"""The environment variable that names where: a file a process, and WORDS."""

WORDS = "words.json"
NULL, VALUE = "null", "?"
_ROOT = str(Path(__file__).parents[2]) + "/"
_STARTS = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|CREATE TEMPORARY TABLE)\b", re.I)
# OIDs of unknown (how psycopg sends a str), text and varchar.
_TEXTS = frozenset({0, 25, 1043})

Sent = tuple[str, str, str, tuple[int, ...], tuple[str, ...]]
"""Module, function, statement, OIDs of its parameters, what they were."""


def install() -> None:
    """Wait for psycopg, which a process may never load."""
    if os.environ.get(FOLDER):
        sys.meta_path.insert(0, _AfterPsycopg(_Notes(Path(os.environ[FOLDER]))))


class _Notes:
    def __init__(self, folder: Path) -> None:
        self._words = frozenset(json.loads((folder / WORDS).read_text("utf-8")))
        self._file = folder / f"{os.getpid()}.jsonl"
        self._noted: set[Sent] = set()
        self._copies: WeakKeyDictionary[Any, tuple[str, str, str]] = WeakKeyDictionary()

    def statement(self, query: Any) -> None:
        text = _plain(query.query)
        place = _sender(sys._getframe(1))
        if place is None or not _STARTS.match(text):
            return
        tokens = tuple(
            self._token(kind, value)
            for kind, value in zip(query.types or (), query.params or (), strict=True)
        )
        self._note((*place, text, tuple(query.types or ()), tokens))

    def copy(self, cursor: Any, statement: Any) -> None:
        place = _sender(sys._getframe(1))
        if place is not None:
            self._copies[cursor] = (*place, _plain(statement.as_bytes(cursor.connection)))

    def copied(self, cursor: Any, row: Sequence[Any]) -> None:
        if cursor in self._copies:
            tokens = tuple(self._token(0 if isinstance(value, str) else -1, value) for value in row)
            self._note((*self._copies[cursor], (), tokens))

    def _token(self, kind: int, value: Any) -> str:
        if value is None:
            return NULL
        text = value if isinstance(value, str) else bytes(value).decode() if kind in _TEXTS else ""
        return f"'{text}'" if text in self._words else VALUE

    def _note(self, sent: Sent) -> None:
        if sent not in self._noted:
            self._noted.add(sent)
            # At once: the process may be killed.
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(sent) + "\n")


def _plain(statement: bytes) -> str:
    return dedent(statement.decode()).strip()


def _sender(frame: FrameType | None) -> tuple[str, str] | None:
    """The module and the function; None for a test's own, and for what `migrate` does."""
    sender: tuple[str, str] | None = None
    while frame is not None:
        code = frame.f_code
        path = code.co_filename.removeprefix(_ROOT)
        if path == "shared/migrate/steps.py" and code.co_name == "migrate":
            return None
        if (
            sender is None
            and path.startswith("tests/")
            and path != "tests/migrations/query_hook.py"
        ):
            return None
        if sender is None and path.startswith(("shared/", "functions/")):
            sender = (path, code.co_name)
        frame = frame.f_back
    return sender


class _AfterPsycopg(MetaPathFinder):
    """Hooks two modules of psycopg once they are loaded.

    Not its public methods: execute, executemany and stream of both kinds of cursor meet here, with
    the statement and the values as they go to the server.
    """

    def __init__(self, notes: _Notes) -> None:
        self._hooks: dict[str, Callable[[ModuleType], None]] = {
            "psycopg._cursor_base": lambda module: _hook_cursor(module, notes),
            "psycopg._copy": lambda module: _hook_copy(module, notes),
        }

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        hook = self._hooks.get(name)
        spec = PathFinder.find_spec(name, path, target) if hook else None
        if hook is None or spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_hook(module: ModuleType) -> None:
            load(module)
            hook(module)

        spec.loader.exec_module = load_and_hook  # type: ignore[method-assign]
        return spec


def _hook_cursor(module: Any, notes: _Notes) -> None:
    cursor = module.BaseCursor
    run, start_copy = cursor._maybe_prepare_gen, cursor._start_copy_gen

    def noted(self: Any, query: Any, **options: Any) -> Generator[Any, Any, None]:
        yield from run(self, query, **options)
        # One that was refused is none that the next schema has to take.
        notes.statement(query)

    def noted_copy(self: Any, statement: Any, *values: Any) -> Generator[Any, Any, None]:
        notes.copy(self, statement)
        yield from start_copy(self, statement, *values)

    cursor._maybe_prepare_gen, cursor._start_copy_gen = noted, noted_copy


def _hook_copy(module: Any, notes: _Notes) -> None:
    write_row = module.Copy.write_row

    def noted(self: Any, row: Sequence[Any]) -> None:
        notes.copied(self.cursor, row)
        write_row(self, row)

    module.Copy.write_row = noted
