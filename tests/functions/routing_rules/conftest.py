"""Two gateways over one database: what one is told, the other has to know within 2 s."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import connect

from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer


@pytest.fixture(scope="module")
def own_deployment(
    new_place: NewPlace,
    simulated: SimulatedProvider,
) -> Deployment:
    """Balanced looks at any listed model here, so that there are some to drop."""
    place = new_place("routing")
    with connect(place.database_url, autocommit=True) as connection:
        connection.execute("UPDATE power_levels SET fallback = 'any' WHERE name = 'balanced'")
    return Deployment(**place._asdict(), simulated_url=simulated.url)


@pytest.fixture(scope="module")
def web(own_deployment: Deployment) -> Iterator[UvicornServer]:
    with own_deployment.web() as server:
        yield server


@pytest.fixture(scope="module")
def other_web(own_deployment: Deployment) -> Iterator[UvicornServer]:
    """The function alone."""
    with own_deployment.web("functions.routing_rules.app:app") as server:
        yield server


@pytest.fixture(scope="module")
def free(own_deployment: Deployment) -> dict[str, str]:
    token = mint()
    with connect(own_deployment.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name="free",
            user_id="fred",
            team_id=None,
            tier="free",
            role="user",
        )
    return {"authorization": f"Bearer {token}"}
