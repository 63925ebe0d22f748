"""The README's table of settings is the code's (DESIGN.md section 3)."""

from __future__ import annotations

import re

from shared import settings
from shared.telemetry import settings as telemetry_settings
from tests.architecture.tree import ROOT


def read_by_the_code() -> set[str]:
    groups = [
        one
        for one in [*vars(settings).values(), *vars(telemetry_settings).values()]
        if isinstance(one, type) and issubclass(one, settings.SettingsGroup)
    ]
    return {field.alias or name for one in groups for name, field in one.model_fields.items()}


def read_by_the_procfile() -> set[str]:
    return set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", (ROOT / "Procfile").read_text("utf-8")))


def documented(readme: str) -> set[str]:
    """The names in backticks in the first column of the tables under the heading "Settings"."""
    section = re.search(r"^(#+) Settings\n(.*?)(?=^#|\Z)", readme, re.MULTILINE | re.DOTALL)
    assert section is not None, 'README.md needs a heading "Settings" with a table below it'
    rows = [line for line in section[2].splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row.split("|")[1])}


def test_every_setting_is_documented() -> None:
    table = documented((ROOT / "README.md").read_text("utf-8"))
    assert (read_by_the_code() | read_by_the_procfile()) - table == set()


def test_every_documented_setting_exists() -> None:
    table = documented((ROOT / "README.md").read_text("utf-8"))
    assert table - read_by_the_code() - read_by_the_procfile() == set()


def test_only_the_first_column_under_the_heading_counts() -> None:
    table = "| setting | default |\n|---|---|\n| `HOST`, `PORT` | `NONE` |\n"
    readme = f"# Title\n| `BEFORE` | |\n## Settings\n\n{table}\n## After\n| `AFTER` | |\n"
    assert documented(readme) == {"HOST", "PORT"}
