"""Finds what a migration takes away from, or forbids to, the release that still serves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

DECLARATION = "CONTRACTS"
UNREADABLE = "runs what cannot be read here"

# Only who reads rows faster misses an index `ix_`; who writes is freer without a check `ck_`.
_RAW = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "DROP": r"\bDROP\s+(?!TRIGGER\b|NOT\s+NULL\b)"
        r"(?!INDEX\s+(CONCURRENTLY\s+)?(IF\s+EXISTS\s+)?ix_)"
        r"(?!CONSTRAINT\s+(IF\s+EXISTS\s+)?ck_)",
        "RENAME": r"\bRENAME\b",
        "SET NOT NULL": r"\bSET\s+NOT\s+NULL\b",
        "TYPE": r"\bALTER\s+(COLUMN\s+)?\S+\s+(SET\s+DATA\s+)?TYPE\b",
        "ADD of a rule": r"\bADD\s+(CONSTRAINT\s+\S+\s+)?(CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b",
        "DELETE": r"\bDELETE\s+FROM\b",
        "TRUNCATE": r"\bTRUNCATE\b",
        "REVOKE": r"\bREVOKE\b",
        "SET SCHEMA": r"\bSET\s+SCHEMA\b",
    }.items()
}
_ADDED = re.compile(
    r"\bADD\s+(?!CONSTRAINT\b|CHECK\b|UNIQUE\b|PRIMARY\b|FOREIGN\b|EXCLUDE\b)", re.IGNORECASE
)
_MUST_BE_FILLED = re.compile(r"\bNOT\s+NULL\b|\bPRIMARY\s+KEY\b", re.IGNORECASE)
_FILLS_ITSELF = re.compile(r"\bDEFAULT\b|\bGENERATED\b", re.IGNORECASE)
_UNIQUE_INDEX = re.compile(r"\bCREATE\s+UNIQUE\s+INDEX\b.*?\bON\s+(?:ONLY\s+)?(\S+)", re.I | re.S)
_NEW_TABLE = re.compile(r"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+)", re.IGNORECASE)
_BETWEEN_CLAUSES = re.compile(r",(?![^(]*\))")

_ALWAYS = frozenset(
    {
        *("drop_column", "drop_table", "rename_table", "create_check_constraint"),
        *("create_exclude_constraint", "create_foreign_key", "create_primary_key"),
    }
)


def contractions(source: str) -> list[str]:
    """`line: what` of each step outside of `downgrade` that destroys, renames or narrows."""
    upgrade = [
        statement
        for statement in ast.parse(source).body
        if getattr(statement, "name", "") != "downgrade" and not _declares(statement)
    ]
    nodes = [node for statement in upgrade for node in ast.walk(statement)]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        (node.lineno, text)
        for node in nodes
        if id(node) not in docstrings and (text := _text(node)) is not None
    ]
    new = {table for _, text in texts for table in _NEW_TABLE.findall(text)}
    new |= {_first(node) for node in nodes if _is_call(node, "create_table")}
    found = [(line, what) for line, text in texts for what in _of_text(text, new)]
    found += [
        (node.lineno, what)
        for node in nodes
        if isinstance(node, ast.Call)
        for what in _of_call(node, new)
    ]
    return [f"{line}: {what}" for line, what in sorted({*found})]


def declaration(source: str) -> str | None:
    """What CONTRACTS says, None where there is none."""
    for statement in ast.parse(source).body:
        if _declares(statement):
            said = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
            assert isinstance(said, str), f"{DECLARATION} is a sentence"
            return said
    return None


def _declares(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return any(ast.unparse(target) == DECLARATION for target in targets)


def _text(node: ast.AST) -> str | None:
    """Of an f-string with `{table}` for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
            if isinstance(part, ast.Constant | ast.FormattedValue)
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _of_text(text: str, new: set[str]) -> Iterator[str]:
    yield from (name for name, pattern in _RAW.items() if pattern.search(text))
    if any(table not in new for table in _UNIQUE_INDEX.findall(text)):
        yield "UNIQUE INDEX"
    for clause in _BETWEEN_CLAUSES.split(text):
        must = _ADDED.search(clause) and _MUST_BE_FILLED.search(clause)
        if must and not _FILLS_ITSELF.search(clause):
            yield "ADD COLUMN that must be filled"


def _of_call(call: ast.Call, new: set[str]) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    words = {word.arg: word.value for word in call.keywords}
    narrows = {
        "alter_column": _alters(words),
        "add_column": any(_must_be_filled(argument) for argument in call.args),
        "drop_index": not _first(call).startswith("ix_"),
        "drop_constraint": not _first(call).startswith("ck_"),
        "create_unique_constraint": _second(call) not in new,
        "create_index": _second(call) not in new and _is(words.get("unique"), True),
        "execute": bool(call.args) and not any(map(_has_text, call.args)),
    }
    if name in _ALWAYS or narrows.get(name, False):
        yield UNREADABLE if name == "execute" else name


def _alters(words: dict[str | None, ast.expr]) -> bool:
    return (
        bool({"new_column_name", "type_"} & words.keys())
        or _is(words.get("nullable"), False)
        or _is(words.get("server_default"), None)
    )


def _must_be_filled(column: ast.expr) -> bool:
    if not isinstance(column, ast.Call):
        return False
    words = {word.arg: word.value for word in column.keywords}
    must = _is(words.get("nullable"), False) or _is(words.get("primary_key"), True)
    return must and not {"server_default"} & words.keys()


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_call(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    )


def _first(call: ast.AST) -> str:
    return _argument(call, 0)


def _second(call: ast.AST) -> str:
    return _argument(call, 1)


def _argument(call: ast.AST, place: int) -> str:
    arguments = call.args if isinstance(call, ast.Call) else []
    return (_text(arguments[place]) or "") if len(arguments) > place else ""


def _has_text(node: ast.AST) -> bool:
    return any(_text(part) is not None for part in ast.walk(node))
