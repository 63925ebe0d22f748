"""Puts into the manifests what the tests of this folder ask for: `python -m tests.infra.fill`.

Adds the functions that are missing and renews the settings of those that are there; what a person
decided (memory, times, replicas, whether it runs) stays. A function that is gone is taken out by
hand. See what it did with `git diff`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.infra import blocks
from tests.infra.deployed import INFRA, deployed, expected_command, processes, single

_PLACE = re.compile(r" {10}(#|(SWITCHYARD_FUNCTION|FUNCTION|HOST|PORT|DRAIN_S|AWS_L\w+):) .*\n")


def fill() -> None:
    _edit("Procfile", fill_procfile)
    _edit("compose.yaml", fill_compose)
    _edit("helm/values.yaml", fill_helm)
    _edit("aws/template.yaml", fill_sam)
    _edit("aws/settings.example.json", fill_example)


def _edit(file: str, change: Callable[[str], str]) -> None:
    path = INFRA / file
    before = path.read_text("utf-8")
    after = change(before)
    if after != before:
        path.write_text(after, "utf-8")
        print(f"infra/{file}: changed")


def fill_procfile(text: str) -> str:
    comments = [line for line in text.splitlines() if line.startswith("#")]
    names = ["release", "gateway", "worker", "clock", *single()]
    return "\n".join([*comments, *(f"{name}: {expected_command(name)}" for name in names), ""])


def fill_compose(text: str) -> str:
    for name in processes():
        anchors = ", ".join(f"*{group}" for group in blocks.groups_of(name))
        item = re.search(rf"^  {name}:\n(?:    .*\n)+", text, re.MULTILINE)
        if item is None:
            text = text.replace("\nvolumes:\n", f"{blocks.compose(name)}\nvolumes:\n")
        elif name != "release":
            new = re.sub(r"<<: \[[^\]]*\]", f"<<: [{anchors}]", item[0])
            text = text.replace(item[0], new)
    return text


def fill_helm(text: str) -> str:
    # A group of settings may have a function's name.
    head, begin, text = text.partition("\nfunctions:\n")
    for name in deployed():
        item = re.search(rf"^  {name}:\n(?:    .*\n)+", text, re.MULTILINE)
        if item is None:
            text += blocks.helm(name)
            continue
        groups = ", ".join(blocks.groups_of(name))
        new = re.sub(r"settings: .*", f"settings: [{groups}]", item[0])
        if name in blocks.web_alone():
            paths = ", ".join(blocks.prefixes(name))
            new = re.sub(r"paths: .*", f"paths: [{paths}]", new)
        text = text.replace(item[0], new)
    return head + begin + text


def fill_sam(text: str) -> str:
    for name in single():
        at = text.find(f"CodeUri: ../../build/aws/{name}\n")
        if at < 0:
            text = text.replace(
                "\n  # By hand: SAM's own", f"\n{blocks.sam(name)}\n  # By hand: SAM's own"
            )
            continue
        begin = text.index("        Variables:\n", at) + len("        Variables:\n")
        lines = re.match(r"(?: {10}.*\n)*", text[begin:])
        assert lines is not None
        place = "".join(one[0] for one in _PLACE.finditer(lines[0]))
        text = text[:begin] + place + blocks.variables(name) + text[begin + len(lines[0]) :]
        if name in blocks.web_alone() and "FunctionUrlConfig" not in text[at:begin]:
            text = _renew_events(text, name, begin)
    return text


def _renew_events(text: str, name: str, begin: int) -> str:
    events = re.compile(r"(?: {10}.*\n)*( {6}Events:\n(?: {8}.*\n)*)?").match(text, begin)
    assert events is not None
    old = events[1] or ""
    start = events.end() - len(old)
    return text[:start] + blocks.events(name) + text[events.end() :]


def fill_example(text: str) -> str:
    known: dict[str, str] = json.loads(text)
    read = re.findall(r"SecretString:([A-Z_]+)\}", (INFRA / "aws/template.yaml").read_text("utf-8"))
    wanted = {name: known.get(name, "") for name in sorted(set(read))}
    return json.dumps(wanted, indent=2) + "\n"


if __name__ == "__main__":
    fill()
