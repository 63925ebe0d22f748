"""`rediss://` and `sslmode=require` with certificates that a platform signed itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.embedded import EmbeddedPostgres, EmbeddedValkey
from shared.settings import RedisSettings
from shared.wire.providers import SEEDS
from tests.fakes.gateway import Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tls_front import TlsFront, tls_front

RUN = "honcho start web worker clock"


@pytest.fixture(scope="module")
def redis_front(services_folder: Path, shared_valkey: EmbeddedValkey) -> Iterator[TlsFront]:
    with tls_front(services_folder, shared_valkey.port) as front:
        yield front


@pytest.fixture(scope="module")
def postgres_front(services_folder: Path, postgres_server: EmbeddedPostgres) -> Iterator[TlsFront]:
    with tls_front(services_folder, postgres_server.port, postgres=True) as front:
        yield front


@pytest.fixture(scope="module")
def deployment(new_place: NewPlace) -> Iterator[Deployment]:
    with SimulatedProvider() as simulated:
        yield Deployment(**new_place("tls")._asdict(), simulated_url=simulated.url)


def _at(url: str, front: TlsFront) -> str:
    return re.sub(r":\d+/", f":{front.port}/", url)


@pytest.fixture
def settings(
    deployment: Deployment, redis_front: TlsFront, postgres_front: TlsFront
) -> dict[str, str]:
    """As the platform gives them: every port is that of a front."""
    database = _at(deployment.database_url, postgres_front).replace("postgresql:", "postgres:")
    redis = _at(deployment.environment["REDIS_URL"], redis_front).replace("redis:", "rediss:")
    return {
        **deployment.environment,
        "DATABASE_URL": f"{database}?sslmode=require",
        "REDIS_URL": redis,
    }


def test_web_worker_and_clock_take_a_certificate_that_they_are_told_not_to_verify(
    deployment: Deployment,
    settings: dict[str, str],
    redis_front: TlsFront,
    postgres_front: TlsFront,
) -> None:
    with ProcfileProcess(RUN, {**settings, "REDIS_TLS_VERIFY": "false"}) as app:
        app.wait_until_ready()
        checks = httpx.get(f"{app.url}/readyz", trust_env=False).json()["checks"]
        assert (checks["redis"], checks["database"]) == ("ok", "ok")
        assert ask(app.url).status_code == 200
        # The row comes by web's stream, the clock's or web's nudge, and the worker.
        assert len(deployment.rows_when(lambda rows: len(rows) == 1)) == 1
        ends = time.monotonic() + 15
        while (
            f"check complete: {len(SEEDS)}/{len(SEEDS)}" not in app.output()
            and time.monotonic() < ends
        ):
            time.sleep(0.1)
        assert f"Health check complete: {len(SEEDS)}/{len(SEEDS)} updated" in app.output()
    assert redis_front.handshakes > 3
    assert postgres_front.handshakes > 3


def test_without_being_told_a_certificate_of_nobodys_is_refused(settings: dict[str, str]) -> None:
    with ProcfileProcess("uvicorn functions.gateway.app:app --port $PORT", settings) as web:
        web.wait_until_ready()
        answer = httpx.get(f"{web.url}/readyz", trust_env=False).json()
    assert answer["status"] == "degraded"
    assert "Redis does not answer" in answer["checks"]["redis"]
    assert answer["checks"]["database"] == "ok", "sslmode=require does not verify"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("rediss://h:1/0", "rediss://h:1/0?ssl_cert_reqs=none"),
        ("rediss://h:1?db=2", "rediss://h:1?db=2&ssl_cert_reqs=none"),
        ("rediss://h:1?ssl_cert_reqs=required", "rediss://h:1?ssl_cert_reqs=required"),
    ],
)
def test_what_the_url_says_itself_wins(url: str, read: str) -> None:
    assert RedisSettings(REDIS_URL=url, REDIS_TLS_VERIFY=False).url == read
