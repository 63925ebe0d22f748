"""A gateway over eight upstreams, with every request to them on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from shared.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fakes.eight_upstreams import eight_upstreams
from tests.fakes.gateway import Deployment
from tests.fakes.recorder import Recorder
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

_DATABASE = "eight_upstreams"


@pytest.fixture(scope="package")
def recorder(simulated: SimulatedProvider) -> Iterator[Recorder]:
    with Recorder(simulated.url) as running:
        yield running


@pytest.fixture(scope="package")
def eight(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
    recorder: Recorder,
) -> Deployment:
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(_DATABASE), sql.Identifier(migrated_template)
            )
        )
    return eight_upstreams(
        database_url=postgres_server.dsn_of(_DATABASE),
        redis_url=shared_valkey.url.removesuffix("/0") + "/2",
        data_dir=services_folder / _DATABASE,
        providers_url=recorder.url,
    )


@pytest.fixture(scope="package")
def eight_gateway(eight: Deployment) -> Iterator[UvicornServer]:
    with eight.worker(), eight.web() as web:
        yield web
