"""One gateway and one worker over a database of their own, for all tests that only ask them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from shared.auth.token import mint
from shared.db.access_tokens import create_token
from shared.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

_DATABASE = "gateway"


@pytest.fixture(scope="session")
def simulated() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def deployment(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
    simulated: SimulatedProvider,
) -> Deployment:
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(_DATABASE), sql.Identifier(migrated_template)
            )
        )
    return Deployment(
        database_url=postgres_server.dsn_of(_DATABASE),
        # Other tests empty database 0.
        redis_url=shared_valkey.url.removesuffix("/0") + "/1",
        data_dir=services_folder / "gateway",
        simulated_url=simulated.url,
    )


@pytest.fixture(scope="session")
def changing_deployment(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
    simulated: SimulatedProvider,
) -> Deployment:
    """One whose catalogue tests may change: each leaves what it found and adds its own."""
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier("changing"), sql.Identifier(migrated_template)
            )
        )
    return Deployment(
        database_url=postgres_server.dsn_of("changing"),
        redis_url=shared_valkey.url.removesuffix("/0") + "/3",
        data_dir=services_folder / "changing",
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
