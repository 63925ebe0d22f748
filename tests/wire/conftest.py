"""A gateway over pairs of providers that answer what a test tells them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.told_provider import NewPair, ToldProviders
from tests.fakes.uvicorn_server import UvicornServer
from tests.wire.paid import check_paid_once


@pytest.fixture(scope="package")
def told_providers() -> Iterator[ToldProviders]:
    with ToldProviders().serving() as providers:
        yield providers


@pytest.fixture(scope="package")
def told(new_place: NewPlace, told_providers: ToldProviders) -> Deployment:
    place = new_place("told")
    told_providers.add_to(place.database_url)
    return Deployment(**place._asdict(), simulated_url=None)


@pytest.fixture(scope="package")
def told_gateway(told: Deployment, told_providers: ToldProviders) -> Iterator[UvicornServer]:
    with told.worker(), told.web() as web:
        yield web
        check_paid_once(told.database_url, told_providers)


@pytest.fixture
def new_pair(told_gateway: UvicornServer, told_providers: ToldProviders) -> NewPair:
    return lambda kind: told_providers.next_pair(told_gateway.url, kind)
