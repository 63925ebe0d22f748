"""A gateway over eight upstreams, with every request to them on record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.eight_upstreams import eight_upstreams
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.recorder import Recorder
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer


@pytest.fixture(scope="package")
def recorder(simulated: SimulatedProvider) -> Iterator[Recorder]:
    with Recorder(simulated.url) as running:
        yield running


@pytest.fixture(scope="package")
def eight(
    new_place: NewPlace,
    recorder: Recorder,
) -> Deployment:
    return eight_upstreams(
        **new_place("eight")._asdict(),
        providers_url=recorder.url,
    )


@pytest.fixture(scope="package")
def eight_gateway(eight: Deployment) -> Iterator[UvicornServer]:
    with eight.worker(), eight.web() as web:
        yield web
