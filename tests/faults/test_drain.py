"""Between SIGTERM and the closing of the socket a balancer has time to notice."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.fakes.gateway import PATH, USER, Deployment, ask
from tests.fakes.procfile_process import ProcfileProcess
from tests.faults.procfile import WEB

BODY = json.dumps({"messages": [{"role": "user", "content": "Hello"}]})


class Answer(NamedTuple):
    status: int
    connection: str | None


def over(connection: http.client.HTTPConnection) -> Answer:
    """A completion down a connection that is open, which is not opened again."""
    connection.auto_open = 0
    connection.request("POST", PATH, BODY, {**USER, "content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return Answer(answer.status, answer.headers["connection"])


def opened(web: ProcfileProcess) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.connect()
    return connection


@pytest.fixture
def web(deployment: Deployment) -> Iterator[ProcfileProcess]:
    with ProcfileProcess(WEB, {**deployment.environment, "DRAIN_S": "2"}) as web:
        web.wait_until_ready()
        yield web


def test_for_drain_s_it_is_not_ready_takes_requests_and_closes_what_it_answered(
    web: ProcfileProcess,
) -> None:
    idle = opened(web)
    assert over(idle) == Answer(200, None)
    web.terminate()
    time.sleep(0.5)
    readiness = httpx.get(f"{web.url}/readyz", trust_env=False)
    assert readiness.status_code == 503
    assert "draining" in readiness.json()["checks"]
    assert over(idle) == Answer(200, "close")
    assert ask(web.url).status_code == 200
    web.terminate()  # once more does not hurry it
    assert ask(web.url).status_code == 200
    assert web.has_ended(5)
    with pytest.raises(httpx.ConnectError):
        ask(web.url)
