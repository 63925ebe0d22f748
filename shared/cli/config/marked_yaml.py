"""YAML with the line of each value, so that what is wrong can be named by its line."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from shared.cli.failures import CommandFailed

Where = tuple[str | int, ...]
"""The way to a value: names of fields, and places in lists from 0."""

_NULL = "tag:yaml.org,2002:null"
# No admin writes more than some hundred of each thing.
_MOST_BYTES = 4 * 1024 * 1024


class Marked:
    """`data` has mappings, lists, None and text: numbers stay as they were written, and exact.

    `lines` has the line of each value, by the way to it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.data: Any = None
        self.lines: dict[Where, int] = {}

    def wrong(self, where: Where, why: str) -> CommandFailed:
        """The error for a value, or for what would stand there; it names file, line and field."""
        known = where
        while known and known not in self.lines:
            known = known[:-1]
        field = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in where)
        return CommandFailed(f"{self.name}:{self.lines[known]}: {field.lstrip('.')}: {why}")


def read_yaml(path: Path) -> Marked:
    """Raises CommandFailed where it is not YAML, has a name twice, or refers to itself; OSError."""
    marked = Marked(path.name)
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise CommandFailed(f"{path.name} has more than {_MOST_BYTES >> 20} MiB")
    try:
        node = yaml.SafeLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = "" if mark is None else f"{mark.line + 1}:"
        raise CommandFailed(f"{path.name}:{at} {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise CommandFailed(f"{path.name}: {' '.join(str(error).split())}") from error
    marked.lines[()] = 1
    if node is not None:
        marked.data = _plain(marked, node, ())
    return marked


def _plain(marked: Marked, node: yaml.Node, where: Where) -> Any:
    marked.lines.setdefault(where, node.start_mark.line + 1)
    if len(marked.lines) > _MOST_BYTES // 16:
        raise CommandFailed(f"{marked.name} repeats itself by its aliases (&, *) without end")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(marked, one, (*where, at)) for at, one in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None if node.tag == _NULL else node.value
    found: dict[Hashable, Any] = {}
    for key, value in node.value:
        name = key.value
        if not isinstance(name, str):
            raise marked.wrong(where, "the name of a field is one word")
        is_twice = name in found
        # The line of its name is where one looks for it.
        marked.lines[*where, name] = key.start_mark.line + 1
        if is_twice:
            raise marked.wrong((*where, name), "it is there twice")
        found[name] = _plain(marked, value, (*where, name))
    return found
