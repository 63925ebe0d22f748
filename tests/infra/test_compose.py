"""infra/compose.yaml: a service for each process, confined, with exactly the settings it reads."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from tests.infra.deployed import INFRA, commands, difference, processes, settings_of, single, web

OF_OTHERS = {"postgres", "valkey"}


@cache
def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((INFRA / "compose.yaml").read_text("utf-8"))["services"]


@pytest.mark.parametrize("name", processes())
def test_every_process_has_a_service_with_exactly_its_settings(name: str) -> None:
    assert name in services(), f"add a service {name} to infra/compose.yaml, like models"
    given = set(services()[name]["environment"])
    assert given == settings_of(name), difference(given, name, "infra/compose.yaml")


@pytest.mark.parametrize("name", processes())
def test_a_service_is_built_from_its_line_and_confined(name: str) -> None:
    service = services()[name]
    assert service["build"]["args"] == {"FUNCTION": name}
    assert (INFRA.parent / "infra" / service["build"]["context"]).resolve() == INFRA.parent
    assert service["build"]["dockerfile"] == "infra/Dockerfile"
    assert service["read_only"] is True
    if name != "release":
        assert service["cap_drop"] == ["ALL"]
        assert service["depends_on"]["release"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", single())
def test_a_single_function_starts_only_when_asked_for(name: str) -> None:
    assert services()[name]["profiles"] == ["alone"]


def test_what_spools_has_a_disk_and_what_serves_has_a_port() -> None:
    spools = {name for name in processes() if "SWITCHYARD_DATA_DIR" in settings_of(name)}
    ours = services().keys() - OF_OTHERS
    assert {name for name in ours if "volumes" in services()[name]} == spools
    assert {name for name in ours if "ports" in services()[name]} == set(web())


def test_no_service_is_of_a_process_that_is_gone() -> None:
    assert services().keys() - OF_OTHERS == commands().keys()
