"""infra/Procfile: one line a function, each run for real; the sum of all is the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from functions.gateway.app import app as gateway_app
from shared.cli.deployables import Route
from shared.vault.keyring import generate_key
from tests.fakes.procfile_process import ProcfileProcess
from tests.infra.deployed import commands, deployed, expected_command, web, web_alone

_UNKNOWN = {404, 405}


@pytest.mark.parametrize("name", [*deployed(), "release"])
def test_every_function_has_a_line_in_the_form_of_the_top_procfile(name: str) -> None:
    line = expected_command(name)
    assert commands().get(name) == line, f"put this line into infra/Procfile:\n{name}: {line}"


def test_no_line_is_of_a_function_that_is_gone() -> None:
    assert commands().keys() - deployed().keys() == {"release"}


@pytest.mark.parametrize("name", deployed())
def test_the_list_of_functions_says_how_to_run_it(name: str) -> None:
    assert expected_command(name).startswith(deployed()[name].command)


def test_the_gateway_has_the_routes_of_all_functions_and_no_others() -> None:
    paths: dict[str, Any] = gateway_app.openapi_schema.to_schema()["paths"]
    served = {
        (method.upper(), path)
        for path, item in paths.items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    parts = [(one.method, one.path) for name in web_alone() for one in deployed()[name].routes]
    assert len(parts) == len(set(parts)), "two functions have the same route"
    assert set(parts) == served


@pytest.fixture(scope="module")
def running(postgres_server: Any, migrated_template: str, shared_valkey: Any) -> Iterator[Any]:
    """Every HTTP function by its own line, each with the settings it declares and no others."""
    values = {
        "DATABASE_URL": postgres_server.dsn_of(migrated_template),
        "REDIS_URL": shared_valkey.url,
        "BYOK_ENCRYPTION_KEY": generate_key(),
    }
    with ExitStack() as stack:
        started = {}
        for name in web_alone():
            declared = {key: values[key] for key in deployed()[name].settings if key in values}
            process = ProcfileProcess(expected_command(name), declared)
            started[name] = stack.enter_context(process)
        for process in started.values():
            process.wait_until_ready()
        yield started
        for process in started.values():  # all at once, not one after another
            process.terminate()


def status(process: ProcfileProcess, route: Route) -> int:
    """Without a token: who knows the route answers 401, whoever else 404 or 405."""
    path = re.sub(r"\{\w+\}", "1", route.path)  # an integer passes for text, too
    answer = httpx.request(route.method, process.url + path, trust_env=False, timeout=20)
    return answer.status_code


@pytest.mark.parametrize("name", web_alone())
def test_a_function_alone_answers_its_routes_and_no_others(
    running: dict[str, ProcfileProcess], name: str
) -> None:
    own = {(route.method, route.path): route for route in deployed()[name].routes}
    for other in web():
        for route in deployed()[other].routes:
            is_known = status(running[name], route) not in _UNKNOWN
            assert is_known == ((route.method, route.path) in own), route
