"""A gateway and a simulated provider of these tests' own: keys are changed here."""

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


@pytest.fixture(scope="module")
def byok(new_place: NewPlace, simulated: SimulatedProvider) -> Deployment:
    return Deployment(**new_place("byok")._asdict(), simulated_url=simulated.url)


@pytest.fixture(scope="module")
def web(byok: Deployment) -> Iterator[UvicornServer]:
    with byok.web() as running:
        yield running


@pytest.fixture
def alice(byok: Deployment) -> Iterator[dict[str, str]]:
    """Headers with a token of alice's; her keys are gone afterwards."""
    yield headers_of(byok, "alice")
    with psycopg.connect(byok.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM user_api_keys WHERE user_id = 'alice'")


@pytest.fixture(scope="module")
def bob(byok: Deployment) -> dict[str, str]:
    return headers_of(byok, "bob")


def headers_of(deployment: Deployment, user_id: str) -> dict[str, str]:
    token = mint()
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name=user_id,
            user_id=user_id,
            team_id=None,
            tier="professional",
            role="user",
        )
    return {"authorization": f"Bearer {token}"}
