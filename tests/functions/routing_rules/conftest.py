"""Two gateways over one database: what one is told, the other has to know within 2 s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import connect, sql

from shared.auth.token import mint
from shared.db.access_tokens import create_token
from shared.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

_DATABASE = "routing_rules"


@pytest.fixture(scope="module")
def own_deployment(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
    simulated: SimulatedProvider,
) -> Deployment:
    with connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(_DATABASE), sql.Identifier(migrated_template)
            )
        )
    return Deployment(
        database_url=postgres_server.dsn_of(_DATABASE),
        redis_url=shared_valkey.url.removesuffix("/0") + "/2",
        data_dir=services_folder / _DATABASE,
        simulated_url=simulated.url,
    )


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
