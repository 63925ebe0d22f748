"""One gateway and one worker over a database of their own, for all tests that only ask them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer


@pytest.fixture(scope="session")
def simulated() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def deployment(
    new_place: NewPlace,
    simulated: SimulatedProvider,
) -> Deployment:
    return Deployment(
        **new_place("gateway")._asdict(),
        simulated_url=simulated.url,
    )


@pytest.fixture(scope="session")
def changing_deployment(
    new_place: NewPlace,
    simulated: SimulatedProvider,
) -> Deployment:
    """One whose catalog tests may change: each leaves what it found and adds its own."""
    return Deployment(
        **new_place("changing")._asdict(),
        simulated_url=simulated.url,
    )


@pytest.fixture(scope="session")
def changing_gateway(changing_deployment: Deployment) -> Iterator[UvicornServer]:
    with changing_deployment.web() as web:
        yield web


@pytest.fixture(scope="session")
def gateway(deployment: Deployment) -> Iterator[UvicornServer]:
    with deployment.worker(), deployment.web() as web:
        yield web


@pytest.fixture(scope="session")
def free_token(deployment: Deployment) -> str:
    """A token of the free tier."""
    token = mint()
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name="free",
            user_id="fred",
            team_id=None,
            tier="free",
            role="user",
        )
    return token
