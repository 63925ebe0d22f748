"""A gateway and a simulated provider of these tests' own: keys are changed here."""

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

_DATABASE = "byok"


@pytest.fixture(scope="module")
def byok(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
    simulated: SimulatedProvider,
) -> Iterator[Deployment]:
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(_DATABASE), sql.Identifier(migrated_template)
            )
        )
    yield Deployment(
        database_url=postgres_server.dsn_of(_DATABASE),
        redis_url=shared_valkey.url.removesuffix("/0") + "/2",
        data_dir=services_folder / "byok",
        simulated_url=simulated.url,
    )
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_DATABASE))
        )


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
