"""R5 of RELIABILITY.md: PostgreSQL crashes; known callers are served, and nothing is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from shared.embedded import EmbeddedPostgres, start_postgres
from shared.migrate.steps import migrate
from tests.fakes.gateway import Deployment, ask
from tests.fakes.operator import make_token
from tests.fakes.scripted_provider.calls import KEPT as CALLS_KEPT
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer
from tests.faults.exactness import assert_sums_are_the_rows, completions, drain_all, rows_when


class Crashing:
    """A PostgreSQL of the test's own, durable, because it is there to crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: EmbeddedPostgres | None = start_postgres(folder)
        self._port = self._server.port
        self.dsn = self._server.dsn
        migrate(self.dsn, lambda line: None)

    def crash(self) -> None:
        if self._server is not None:
            self._server.stop(mode="immediate")
            self._server = None

    def come_back(self) -> None:
        self._server = start_postgres(self._folder, port=self._port)


@pytest.fixture
def crashing(services_folder: Path, tmp_path: Path) -> Iterator[Crashing]:
    # Of this test alone: what another one left in its tables would be counted here.
    folder = services_folder / tmp_path.name
    postgres = Crashing(folder)
    yield postgres
    postgres.crash()
    shutil.rmtree(folder)


def ask_until(ends: float, web: UvicornServer, caller: Mapping[str, str]) -> list[httpx.Response]:
    answers: list[httpx.Response] = []
    while time.monotonic() < ends:
        answers.append(ask(web.url, headers=caller, stream=len(answers) % 2 == 1))
    return answers


class Readiness(NamedTuple):
    code: int
    status: str
    is_database_well: bool


def readiness(web: UvicornServer) -> Readiness:
    answer = httpx.get(web.url + "/readyz", trust_env=False, timeout=10)
    body = answer.json()
    return Readiness(answer.status_code, body["status"], body["checks"]["database"] == "ok")


def soon(web: UvicornServer, is_so: Callable[[Readiness], bool]) -> bool:
    ends = time.monotonic() + 15
    while not (found := is_so(readiness(web))) and time.monotonic() < ends:
        time.sleep(0.2)
    return found


def outage(
    crashing: Crashing, web: UvicornServer, seconds: float, *callers: Mapping[str, str]
) -> list[list[httpx.Response]]:
    """The answers to each of the callers, who ask one after another while it lasts."""
    crashing.crash()
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(len(callers)) as pool:
        return list(pool.map(lambda caller: ask_until(ends, web, caller), callers))


@pytest.mark.parametrize(
    ("seconds", "without"),
    [
        pytest.param(2, None, id="short"),
        pytest.param(600, None, id="long", marks=pytest.mark.long),
        pytest.param(
            2,
            "memory of callers",
            id="without memory of callers",
            marks=[pytest.mark.long, pytest.mark.xfail(strict=True, raises=AssertionError)],
        ),
    ],
)
def test_r5_without_postgresql_known_callers_are_served_and_unknown_ones_told_503(
    crashing: Crashing,
    redis_url: str,
    tmp_path: Path,
    simulated: SimulatedProvider,
    seconds: int,
    without: str | None,
) -> None:
    """/readyz goes on to answer 200 and says `degraded` (DESIGN.md section 5): what is in memory is
    served, and a load balancer that took all gateways out would make an outage of it.
    """
    deployment = Deployment(
        database_url=crashing.dsn,
        redis_url=redis_url,
        data_dir=tmp_path,
        simulated_url=simulated.url,
    )
    known, unknown = (
        make_token(crashing.dsn, user_id=name, role="user") for name in ("known", "unknown")
    )
    with deployment.failing_web(without) as web:
        first = ask(web.url, headers=known)
        served, refused = outage(crashing, web, seconds, known, unknown)
        assert soon(web, lambda seen: seen == Readiness(200, "degraded", is_database_well=False))
        with pytest.raises(psycopg.OperationalError):
            drain_all(crashing.dsn, redis_url)
        crashing.come_back()
        assert soon(web, lambda seen: seen.is_database_well)
        last = ask(web.url, headers=unknown)
        answers = [first, *served, last]
        rows = rows_when(deployment, lambda rows: len(rows) >= len(answers), timeout_s=60)
        # Not before: after 10 minutes the stream is full of what nobody wrote, and it says so.
        assert soon(web, lambda seen: seen.status == "ready")
    assert {answer.status_code for answer in answers} == {200}
    assert len(served) > 10
    assert {answer.status_code for answer in refused} == {503}
    assert {code_of(answer) for answer in refused} == {"database_unavailable"}
    assert all("retry-after" in answer.headers for answer in refused)
    assert {row["request_id"] for row in rows} == {one.headers["x-request-id"] for one in answers}
    assert len(completions(simulated)) == min(len(answers), CALLS_KEPT)
    assert_sums_are_the_rows(deployment, rows)


def code_of(answer: httpx.Response) -> Any:
    return answer.json()["error"]["code"]
