"""The statements of a release as text: tests/recorded/queries, one file a module that sends them.

Of each: who sends it; `takes`, the types that psycopg declares for its parameters; a line `sends`
for each kind of row seen (`null`, a word of the code's own, or `?` for any value); and `gives`, the
columns that come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).parents[1] / "recorded" / "queries"
RELEASE = "release.toml"

_BLOCK = re.compile(r"(?m)^-- (?=(?:shared|functions)/\S+\.py: )")
_FACTS = ("takes", "sends", "gives")


@dataclass(frozen=True, order=True)
class Recorded:
    module: str
    function: str
    sql: str
    takes: tuple[str, ...] = ()
    sends: tuple[tuple[str, ...], ...] = ()
    gives: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        return self.sql.split(None, 1)[0].upper()

    @property
    def inserts(self) -> bool:
        return self.verb == "COPY" or "INSERT INTO" in self.sql.upper()

    def __str__(self) -> str:
        return f"{self.module}: {self.function}"


def read(folder: Path = FOLDER) -> list[Recorded]:
    return [
        _parse(block)
        for file in sorted(folder.glob("*.sql"))
        for block in _BLOCK.split(file.read_text("utf-8"))[1:]
    ]


def write(statements: Iterable[Recorded], folder: Path = FOLDER) -> None:
    """Instead of what the folder holds."""
    for file in folder.glob("*.sql"):
        file.unlink()
    for module, those in groupby(sorted(statements), key=lambda one: one.module):
        file = folder / f"{PurePosixPath(module).stem}.sql"
        with file.open("a", encoding="utf-8") as opened:
            opened.writelines(map(_text, those))


def _text(one: Recorded) -> str:
    facts = [("takes", one.takes), *(("sends", row) for row in one.sends), ("gives", one.gives)]
    lines = [f"-- {one}", *(f"-- {name} {', '.join(held)}" for name, held in facts if held)]
    return "\n".join([*lines, f"{one.sql};", "", ""])


def _parse(block: str) -> Recorded:
    head, *lines = block.rstrip().split("\n")
    module, function = head.split(": ")
    facts: dict[str, list[tuple[str, ...]]] = {name: [] for name in _FACTS}
    while lines[0].startswith("-- "):
        name, _, held = lines.pop(0).removeprefix("-- ").partition(" ")
        facts[name].append(tuple(held.split(", ")))
    return Recorded(
        module,
        function,
        "\n".join(lines).removesuffix(";"),
        takes=next(iter(facts["takes"]), ()),
        sends=tuple(facts["sends"]),
        gives=next(iter(facts["gives"]), ()),
    )
