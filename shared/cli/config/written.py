"""The database as a configuration file, which `apply` finds nothing to change for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import yaml
from msgspec import UNSET

from shared.cli.config.sections import Section

_HEAD = """\
# Written by `switchyard export config`. `switchyard apply -f` brings a database to it.
# Of tokens it has all but their text; keys of providers are in no such file.
"""


async def write_config(sections: Sequence[Section]) -> str:
    """YAML with every section, and in each all that is there. Raises psycopg.Error."""
    made = {section.name: await _entries(section) for section in sections}
    return _HEAD + yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)


async def _entries(section: Section) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in await section.list():
        fields = section.entry_of(row)
        found.append(
            {
                name: msgspec.to_builtins(fields[name])
                for name in section.written
                if fields[name] is not UNSET
            }
        )
    return found
