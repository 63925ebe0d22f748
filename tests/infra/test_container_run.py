"""The recipe's steps run for real, without an engine: install, copy, start, health, stop.

What an engine would bring and this does not: the base image (this machine stands for it, with its
Python), and a network of its own. It needs root, and an index to install from, for about a minute.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from shared.embedded import free_port
from shared.vault.keyring import generate_key
from tests.fakes.container import Container, Image, what_is_missing
from tests.fakes.place import NewPlace
from tests.infra.deployed import INFRA, deployed

pytestmark = pytest.mark.long

_START_S = 60.0


@pytest.fixture(scope="module", params=["gateway", "models"])
def image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Image]:
    missing = what_is_missing()
    if missing is not None:
        pytest.skip(missing)
    dockerfile = (INFRA / "Dockerfile").read_text("utf-8")
    folder = tmp_path_factory.mktemp("image")
    with Image(dockerfile, folder, FUNCTION=request.param) as image:
        yield image


@pytest.fixture
def container(image: Image, new_place: NewPlace) -> Iterator[Container]:
    place = new_place("container")
    values = {
        "DATABASE_URL": place.database_url,
        "REDIS_URL": place.redis_url,
        "BYOK_ENCRYPTION_KEY": generate_key(),
    }
    name = image.environment["FUNCTION"]
    given = {key: values[key] for key in deployed()[name].settings if key in values}
    with Container(image, PORT=str(free_port()), HOST="127.0.0.1", **given) as container:
        yield container


def health(container: Container) -> int:
    return container.exec(*container.image.last.command("HEALTHCHECK")).returncode


def test_it_starts_as_nobody_on_read_only_files_is_healthy_and_ends_at_sigterm(
    container: Container,
) -> None:
    assert health(container) != 0
    ends = time.monotonic() + _START_S
    while health(container) != 0:
        assert time.monotonic() < ends
        time.sleep(0.2)
    served = httpx.get(f"{container.url}/v1/models", trust_env=False)
    assert served.status_code == 401
    user = container.image.user
    assert container.exec("id", "-u").stdout == f"{user}\n"
    assert container.first_process().uids().real == int(user)
    for path, is_writable in {"/data": True, "/srv": False, "/tmp": False, "/opt": False}.items():
        done = container.exec("touch", f"{path}/x")
        assert (done.returncode == 0) == is_writable, path
        assert is_writable or "Read-only file system" in done.stderr
    code, output = container.stop(30)
    assert (code, "app.stopping" in output) == (0, True), output
