"""The entries of a configuration file, each checked by itself as the admin API checks a body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from shared.cli.config.marked_yaml import Marked, Where
from shared.cli.config.sections import Fields, Section

_AT = re.compile(r" - at `\$(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Entry:
    """`fields` are those that were written, as the service takes them; `where` it stands."""

    fields: Fields
    whole: Any
    where: Where


def entries_of(marked: Marked, sections: Sequence[Section]) -> dict[str, list[Entry]]:
    """By section, only those that the file has; a section may be empty.

    Raises CommandFailed, which names line and field.
    """
    if marked.data is None:
        return {}
    if not isinstance(marked.data, dict):
        raise marked.wrong((), "a file begins with a section, such as `models:`")
    data = cast(dict[str, Any], marked.data)
    known = {section.name: section for section in sections}
    for name in data:
        if name not in known:
            raise marked.wrong((name,), f"there is no such section; use {', '.join(known)}")
    return {name: _section(marked, known[name], listed) for name, listed in data.items()}


def _section(marked: Marked, section: Section, listed: Any) -> list[Entry]:
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise marked.wrong((section.name,), "it must be a list: begin each entry with `- `")
    found: list[Entry] = []
    taken: set[tuple[Any, ...]] = set()
    for at, data in enumerate(cast(list[Any], listed)):
        entry = _entry(marked, section, data, (section.name, at))
        identity = section.identity_of(entry.fields)
        if identity in taken and not section.repeats:
            raise marked.wrong(entry.where, f"{section.label(entry.fields)} is there twice")
        taken.add(identity)
        found.append(entry)
    return found


def _entry(marked: Marked, section: Section, data: Any, where: Where) -> Entry:
    if not isinstance(data, dict):
        raise marked.wrong(where, "an entry has fields, as in `name: value`")
    fields = cast(dict[str, Any], data)
    for name in section.needed:
        if name not in fields:
            raise marked.wrong(where, f"it needs a `{name}`, by which it is found again")
    try:
        whole = msgspec.convert(section.read(fields), section.new, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(marked, where, str(error)) from error
    return Entry({name: getattr(whole, name) for name in fields}, whole, where)


def _wrong(marked: Marked, where: Where, message: str) -> Exception:
    unknown, at = _UNKNOWN.search(message), _AT.search(message)
    way: Where = ()
    if at is not None:
        message = message[: at.start()]
        steps = _STEP.findall(at[1])
        way = tuple(int(place) if place else name for name, place in steps)
    if unknown is not None:
        way = (*way, unknown[1])
    return marked.wrong((*where, *way), message)
