"""Every change that is audited names its action, so that the verbs stay one family."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shared.db.audit import Action
from tests.architecture.tree import Module, modules

APPENDS = {"append_audit", "append_audit_from_command"}
AMONG = modules("functions", "shared")


def calls_without_action(module: Module) -> Iterator[str]:
    """`path:line` of each call that passes neither `Action.X` nor a parameter of that type."""
    for function in ast.walk(module.syntax):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = {one.arg for one in function.args.args if _said(one.annotation) == "Action"}
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and _said(call.func) in APPENDS:
                action = call.args[2]
                ends = [action.body, action.orelse] if isinstance(action, ast.IfExp) else [action]
                if not all(_said(one).startswith("Action.") or _said(one) in given for one in ends):
                    yield f"{module.path}:{call.lineno}"


def _said(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def test_every_change_that_is_audited_names_its_action() -> None:
    assert [call for module in AMONG for call in calls_without_action(module)] == []


def test_no_action_is_there_that_nothing_does() -> None:
    done = {name for module in AMONG for name, _ in module.attributes()}
    assert [action.name for action in Action if f"Action.{action.name}" not in done] == []


def test_an_action_that_is_only_text_is_seen() -> None:
    text = (
        "async def change(c, actor, action: Action, word):\n"
        "    await append_audit(c, actor, Action.A if word else Action.B, 'x', 1)\n"
        "    await append_audit(c, actor, action, 'x', 1)\n"
        "    await append_audit(c, actor, 'x.changed', 'x', 1)\n"
        "    await append_audit(c, actor, word, 'x', 1)\n"
    )
    assert list(calls_without_action(Module("a.py", text))) == ["a.py:4", "a.py:5"]
