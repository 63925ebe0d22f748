from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from shared.cli.cold_start import measure
from shared.cli.commands.functions import functions
from shared.cli.failures import CommandFailed
from tests.architecture.tree import ROOT


def listed(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(functions, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return {one["name"]: one for one in json.loads(done.output)}


def test_every_folder_that_is_deployed_is_listed() -> None:
    folders = {file.parent.name for file in (ROOT / "functions").glob("*/__init__.py")}
    # It stands in for providers; it is no part of a deployment.
    assert listed().keys() == folders - {"simulated_provider"}


def test_an_http_function_has_its_routes_settings_and_command() -> None:
    models = listed("models")["models"]
    assert {"method": "GET", "path": "/v1/models"} in models["routes"]
    assert models["required"] == ["DATABASE_URL"]
    assert {"DATABASE_URL", "OPENAI_API_KEY"} <= set(models["settings"])
    assert models["command"] == "uvicorn functions.models.app:app"


def test_a_function_of_jobs_has_their_names_and_schedules() -> None:
    jobs = {job["name"]: job["schedule"] for job in listed("write_usage")["write_usage"]["jobs"]}
    assert jobs == {"usage.write": None, "usage.partitions": "rate(1 day)"}


def test_the_settings_of_the_try_out_are_never_deployed() -> None:
    named = {name for one in listed().values() for name in one["settings"]}
    assert "DATABASE_URL" in named
    assert [name for name in named if "TRYOUT" in name or "SIMULATED" in name] == []


def test_the_plain_list_brackets_what_has_a_default() -> None:
    done = CliRunner().invoke(functions, ["chat_completions"])
    assert "[LITELLM_MASTER_KEY], [UNPRICED_POLICY], [OPENAI_API_KEY]" in done.output
    assert " DATABASE_URL" in done.output
    assert "POST /v1/chat/completions" in done.output


def test_an_unknown_function_is_refused_with_the_names_there_are() -> None:
    done = CliRunner().invoke(functions, ["nope"])
    assert done.exit_code == 1
    assert "unknown function nope; choose from access_tokens, audit, byok_keys" in done.output


def test_a_cold_start_is_measured_in_a_process_of_its_own() -> None:
    start = measure("json")
    assert 0 < start.import_ms < 60_000
    assert 1 < start.memory_mb < 100
    with pytest.raises(CommandFailed, match="no_such_module"):
        measure("no_such_module")
