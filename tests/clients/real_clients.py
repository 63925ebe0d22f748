"""Real clients against the gateway: `make test-clients`.

Not named test_*: the suite does not collect it. Clients that only ask are answered by the simulated
provider; coding agents by one that follows a script, as both of its wires.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.clients import CLIENTS, Client, Outcome, run, write_table
from tests.fakes.gateway import USER, Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

TOKEN = USER["authorization"].removeprefix("Bearer ")
CODING = {"Claude Code"}


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Outcome]]:
    found: dict[str, Outcome] = {}
    yield found
    write_table(found)


@pytest.fixture(scope="module")
def gateway(new_place: NewPlace) -> Iterator[UvicornServer]:
    with SimulatedProvider() as simulated:
        place = Deployment(**new_place("clients")._asdict(), simulated_url=simulated.url)
        with place.web() as web:
            yield web


@pytest.fixture(scope="module")
def scripted() -> Iterator[UvicornServer]:
    server = UvicornServer("tests.fakes.scripted_model:app", ready="/__asked", environment={})
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def scripted_gateway(new_place: NewPlace, scripted: UvicornServer) -> Iterator[UvicornServer]:
    more = {
        "ANTHROPIC_BASE_URL": f"{scripted.url}/anthropic/v1",
        "ANTHROPIC_API_KEY": "sk-ant-api03-" + "x" * 80,
        "OPENAI_BASE_URL": f"{scripted.url}/openai/v1",
        "OPENAI_API_KEY": "sk-" + "x" * 40,
    }
    place = Deployment(**new_place("coding")._asdict(), simulated_url=None, more=more)
    with place.web() as web:
        yield web


@pytest.mark.parametrize("client", [one for one in CLIENTS if one.name not in CODING], ids=str)
def test_a_client_is_served_whole(
    client: Client, gateway: UvicornServer, tmp_path: Path, outcomes: dict[str, Outcome]
) -> None:
    outcome = outcomes[client.name] = run(client, gateway.url, TOKEN, tmp_path)
    assert outcome.failure is None, f"passed {outcome.passed}, then\n{outcome.failure}"
    assert outcome.passed


@pytest.mark.parametrize("client", [one for one in CLIENTS if one.name in CODING], ids=str)
def test_a_coding_agent_works_over_three_turns(
    client: Client,
    scripted_gateway: UvicornServer,
    scripted: UvicornServer,
    tmp_path: Path,
    outcomes: dict[str, Outcome],
) -> None:
    url = scripted_gateway.url
    outcome = outcomes[client.name] = run(client, url, TOKEN, tmp_path, SCRIPTED_URL=scripted.url)
    assert outcome.failure is None, f"passed {outcome.passed}, then\n{outcome.failure}"
    assert httpx.get(f"{scripted.url}/__asked", trust_env=False).json()
