"""Records the statements of this release: `python -m tests.migrations.record_queries`.

Runs the tests that touch the database (minutes), then writes tests/recorded/queries anew.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import psycopg

from shared.embedded import start_postgres
from shared.migrate.steps import VERSION_TABLE, migrate
from tests.architecture.tree import ROOT, modules
from tests.migrations import query_hook, recorded
from tests.migrations.recorded import Recorded
from tests.migrations.replay import complaints, described, type_name

T = TypeVar("T")

TESTS = (
    "tests/shared/cli",
    *("tests/shared/catalog", "tests/shared/db", "tests/shared/ledger", "tests/shared/health"),
    "tests/functions",
    "tests/faults/test_key_rotation.py",
)
# They make tables, never rows of a request; and `migrate` is of the release that comes, not of the
# one that went.
_NOT_SERVING = (
    *("shared/migrate/steps.py", "shared/migrate/older.py", "shared/migrate/older_columns.py"),
    *("shared/migrate/older_usage.py", "shared/ledger/partitions.py", "shared/migrate/remake.py"),
    *(
        "shared/migrate/roles.py",
        "shared/migrate/seeds.py",
        "shared/db/tables/",
        "shared/embedded.py",
    ),
    "shared/cli/doctor_checks.py",
)
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
# psycopg picks a type by the size of a number; the smallest becomes any other by itself.
_SMALLEST_FIRST = ("int2", "int4", "int8")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=recorded.FOLDER, help="another folder")
    arguments.add_argument("tests", nargs="*", default=TESTS, help="instead of those that it knows")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder)
        (notes / query_hook.WORDS).write_text(json.dumps(sorted(_words())), "utf-8")
        if not _run_tests(notes, asked.tests):
            print("A test failed, and may have sent less than it should; nothing written.")
            return 1
        statements = _without_repetition(_merge(_read(notes)))
    if unsent := sorted(_senders() - {(one.module, one.function) for one in statements}):
        print("No test sends what these have to send:", *map(": ".join, unsent), sep="\n  ")
        return 1
    statements, head, wrong = _described(statements)
    if wrong:
        print("They fail on the schema they were recorded on:", *wrong, sep="\n  ")
        return 1
    asked.into.mkdir(parents=True, exist_ok=True)
    recorded.write(statements, asked.into)
    (asked.into / recorded.RELEASE).write_text(_release(head), "utf-8")
    print(f"{len(statements)} statements recorded in {asked.into}")
    return 0


def _run_tests(notes: Path, tests: Iterable[str]) -> bool:
    environment = {
        **os.environ,
        query_hook.FOLDER: str(notes),
        "PYTHONPATH": f"{Path(__file__).parent / 'hook'}{os.pathsep}{ROOT}",
    }
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *tests]
    # Examples of Hypothesis are the same each time.
    command += ["--hypothesis-seed", "0"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def _words() -> Iterator[str]:
    """Short strings that stand in the code: what is noted of a value is one of them or nothing."""
    for module in modules("shared", "functions"):
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _WORD.findall(node.value) if _WORD.fullmatch(node.value) else ()


def _senders() -> set[tuple[str, str]]:
    """Module and function of each call that runs SQL while serving, read from the code."""
    return {
        (module.path, function.name)
        for module in modules("shared", "functions")
        if not module.path.startswith(_NOT_SERVING)
        for function in ast.walk(module.syntax)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _runs_sql(call)
    }


def _runs_sql(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return False
    if call.func.attr not in {"execute", "executemany", "copy"}:
        return False
    first = call.args[0]
    return not (isinstance(first, ast.Constant) and str(first.value).startswith("SET "))


def _read(notes: Path) -> Iterator[query_hook.Sent]:
    for file in notes.glob("*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            module, function, statement, types, tokens = json.loads(line)
            yield module, function, statement, tuple(types), tuple(tokens)


def _merge(sent: Iterable[query_hook.Sent]) -> list[Recorded]:
    by_statement: dict[tuple[str, str, str], list[query_hook.Sent]] = defaultdict(list)
    for one in sent:
        if not one[0].startswith(_NOT_SERVING):
            by_statement[one[:3]].append(one)
    return [
        Recorded(
            *key,
            takes=tuple(
                _type(set(column)) for column in zip(*(one[3] for one in those), strict=True)
            ),
            sends=_cover({one[4] for one in those if one[4]}),
        )
        for key, those in sorted(by_statement.items())
    ]


def _type(oids: set[int]) -> str:
    """A str and NULL are sent as unknown; whoever has a type says more."""
    names = {type_name(oid) for oid in oids}
    known = sorted(names - {"unknown"}, key=lambda name: (name not in _SMALLEST_FIRST, name))
    return next(iter(known), "unknown")


def _without_repetition(statements: list[Recorded]) -> list[Recorded]:
    """Of the SELECTs that a function makes up, those that hold each two words that met in one."""
    kept = [one for one in statements if one.verb != "SELECT"]
    made_up: dict[str, set[Recorded]] = defaultdict(set)
    for one in statements:
        if one.verb == "SELECT":
            made_up[str(one)].add(one)
    for those in made_up.values():
        kept += _fewest({one: _pairs(one.sql) for one in sorted(those)})
    return sorted(kept)


def _pairs(statement: str) -> frozenset[object]:
    return frozenset(combinations(sorted({*re.findall(r"[\w.$]+", statement)}), 2)) | {"itself"}


def _cover(rows: set[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Rows that hold each value that was seen at a place."""
    return tuple(sorted(_fewest({row: frozenset(enumerate(row)) for row in sorted(rows)})))


def _fewest(holds: Mapping[T, frozenset[object]]) -> list[T]:
    """Those that hold together what all hold, as few as taking the best next one gives."""
    left = frozenset[object]().union(*holds.values())
    chosen: list[T] = []
    while left:
        best = max(holds, key=lambda one: len(left & holds[one]))
        left -= holds[best]
        chosen.append(best)
    return chosen


def _described(statements: list[Recorded]) -> tuple[list[Recorded], str, list[str]]:
    """With the columns they give on a database migrated to head; its revision; what fails there."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = start_postgres(Path(folder) / "postgres", durable=False)
        try:
            migrate(server.dsn_of("postgres"), lambda line: None)
            with psycopg.connect(server.dsn_of("postgres")) as connection:
                [(head,)] = connection.execute(
                    f"SELECT version_num FROM {VERSION_TABLE}".encode()
                ).fetchall()
                wrong = complaints(connection, statements)
                if not wrong:
                    statements = [
                        replace(one, gives=gives)
                        for one, gives in zip(
                            statements, _gives(connection, statements), strict=True
                        )
                    ]
                return statements, head, wrong
        finally:
            server.stop(mode="immediate")


def _gives(
    connection: psycopg.Connection[tuple[object, ...]], statements: Iterable[Recorded]
) -> Iterator[tuple[str, ...]]:
    for one in statements:
        if one.verb == "CREATE":
            connection.execute(one.sql.encode())
    for one in statements:
        yield () if one.verb in {"CREATE", "COPY"} else described(connection, one)


def _release(head: str) -> str:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    command = ["git", "-c", f"safe.directory={ROOT}", "show", "-s", "--format=%h %cs", "HEAD"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commit, date = shown.split()
    return (
        "# The release whose statements stand here, and the newest migration it knew.\n"
        f'version = "{version}"\ncommit = "{commit}"\ndate = {date}\nmigration = "{head}"\n'
    )


if __name__ == "__main__":
    sys.exit(main())
