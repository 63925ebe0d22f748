"""PostgreSQL hangs: it goes on to acknowledge, and answers nothing. No request waits for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from shared.embedded import EmbeddedPostgres, start_postgres
from shared.migrate.steps import migrate
from tests.fakes.gateway import Deployment, ask
from tests.fakes.operator import make_token
from tests.fakes.simulated import SimulatedProvider


@pytest.fixture
def postgres(services_folder: Path, tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = start_postgres(services_folder / tmp_path.name, durable=False)
    migrate(server.dsn, lambda line: None)
    yield server
    server.stop(mode="immediate")


@contextmanager
def hanging(server: EmbeddedPostgres) -> Iterator[None]:
    """All of its processes, those that would take new connections too."""
    postmaster = int((server.folder / "postmaster.pid").read_text().split()[0])
    processes = [psutil.Process(postmaster), *psutil.Process(postmaster).children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.mark.parametrize(
    ("path", "most_s"),
    [
        pytest.param(None, 0, id="short"),
        # 20 s of its own, 10 s in which psycopg tries to have the server give up.
        pytest.param("/api/v1/llm/usage", 32, id="long", marks=pytest.mark.long),
    ],
)
def test_while_it_hangs_known_callers_are_served_and_nobody_waits_for_ever(
    postgres: EmbeddedPostgres,
    redis_url: str,
    tmp_path: Path,
    simulated: SimulatedProvider,
    path: str | None,
    most_s: float,
) -> None:
    deployment = Deployment(
        database_url=postgres.dsn,
        redis_url=redis_url,
        data_dir=tmp_path,
        simulated_url=simulated.url,
    )
    known, unknown = (
        make_token(postgres.dsn, user_id=name, role="user") for name in ("known", "unknown")
    )

    def get(path: str, timeout: float = 10) -> httpx.Response:
        return httpx.get(web.url + path, headers=known, timeout=timeout, trust_env=False)

    with deployment.web() as web, ThreadPoolExecutor(3) as pool:
        ask(web.url, headers=known)
        with hanging(postgres):
            began = time.monotonic()
            asked = pool.submit(ask, web.url, headers=unknown)
            time.sleep(0.3)  # it has the one connection that there is
            late = pool.submit(get, path, most_s + 10) if path else None
            ready = get("/readyz")
            served = ask(web.url, headers=known)
            assert time.monotonic() - began < 2
            refused = asked.result()
            assert time.monotonic() - began < 7
            if late is not None:
                assert late.result().status_code == 503
                assert time.monotonic() - began < most_s
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert served.status_code == 200
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "database_unavailable"
        ends = time.monotonic() + 15
        while (status := get("/readyz").json()["status"]) != "ready" and time.monotonic() < ends:
            time.sleep(0.2)
        assert status == "ready"
        assert ask(web.url, headers=unknown).status_code == 200
        assert get("/api/v1/llm/usage").status_code == 200
