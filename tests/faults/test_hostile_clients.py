"""What hostile clients cost the process that they ask: time, memory and places, all bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator, Mapping

import httpx
import psutil
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import ADMIN, PATH, USER, Deployment
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

pytestmark = pytest.mark.long

MB = 1 << 20
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
HALVES: Mapping[str, tuple[bytes, int]] = {
    "silent": (b"", 30),
    "half a head": (POST, 100),
    "half a body": (
        POST + b"Authorization: Bearer test-user-token\r\nContent-Length: 99\r\n\r\n{",
        30,
    ),
}
CUT_WITHIN_S = 45
BATCH = 500


@pytest.fixture
def web(deployment: Deployment) -> Iterator[UvicornServer]:
    with deployment.web() as web:
        yield web


def resident_mb(web: UvicornServer) -> float:
    return psutil.Process(web.pid).memory_info().rss / MB


def connected(web: UvicornServer) -> socket.socket:
    held = socket.create_connection(("127.0.0.1", web.port))
    held.setblocking(False)  # noqa: FBT003
    return held


def is_open(held: socket.socket) -> bool:
    """Whether the gateway has not ended it; what it said before is read."""
    with contextlib.suppress(BlockingIOError):
        try:
            while held.recv(65536):
                pass
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise
        return False
    return True


def test_who_is_slow_or_says_nothing_is_cut_and_nobody_else_waits(web: UvicornServer) -> None:
    held = [connected(web) for _, number in HALVES.values() for _ in range(number)]
    begun = [begin for begin, number in HALVES.values() for _ in range(number)]
    ends = time.monotonic() + CUT_WITHIN_S
    for connection, begin in zip(held, begun, strict=True):
        connection.sendall(begin)
    while any(left := [one for one in held if is_open(one)]) and time.monotonic() < ends:
        assert httpx.get(web.url + "/healthz", trust_env=False).status_code == 200
        time.sleep(0.5)
    assert len(held) == 160
    assert left == []
    for connection in held:
        connection.close()


def test_heads_of_80_mb_are_not_taken_in(web: UvicornServer) -> None:
    before = resident_mb(web)
    most = before

    async def send_head() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        sent = 0
        with contextlib.suppress(OSError):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nx-long: ")
            while sent < 80 * MB:
                writer.write(b"a" * 65536)
                await writer.drain()
                sent += 65536
        writer.close()
        with contextlib.suppress(OSError):
            await reader.read()
        return sent

    async def main() -> list[int]:
        nonlocal most
        sending = asyncio.gather(*(send_head() for _ in range(8)))
        while not sending.done():
            most = max(most, resident_mb(web))
            await asyncio.sleep(0.01)
        return await sending

    assert max(asyncio.run(main())) < 80 * MB, "a whole head of 80 MB was read"
    assert most - before < 100


async def ask_all(web: UvicornServer, asked: list[tuple[bytes, Mapping[str, str]]]) -> set[int]:
    """The statuses of all of `asked`, bodies with their headers, 16 at once."""
    waiting, found = iter(asked), set[int]()
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=60) as client:

        async def one_after_another() -> None:
            for body, headers in waiting:
                answer = await client.post(PATH, content=body, headers=headers)
                found.add(answer.status_code)

        await asyncio.gather(*(one_after_another() for _ in range(16)))
    return found


def failing() -> tuple[bytes, Mapping[str, str]]:
    messages = [{"role": "user", "content": "x" * 1_500_000}]
    body = {"messages": messages, "model": "gpt-6.1-terra", "simulate": "status-400"}
    return json.dumps(body).encode(), USER


def test_requests_that_fail_leave_nothing_in_memory(web: UvicornServer) -> None:
    assert asyncio.run(ask_all(web, [failing()] * 20)) == {400}
    time.sleep(1)
    after_20 = resident_mb(web)
    assert asyncio.run(ask_all(web, [failing()] * 980)) == {400}
    time.sleep(1)
    assert resident_mb(web) < 1.1 * after_20


def named(tokens: list[str], first: int, last: int) -> list[tuple[bytes, Mapping[str, str]]]:
    """Requests with names that no other has: of users, sessions, tags, tasks and models."""
    asked: list[tuple[bytes, Mapping[str, str]]] = []
    for nth in range(first, last):
        is_own = nth % 2 == 1
        body = {
            "messages": [{"role": "user", "content": f"Question {nth}"}],
            "model": f"openai/new-model-{nth}" if is_own else "balanced",
            "user": f"user-{nth}",
            "prompt_cache_key": f"cache-{nth}",
            "task_type": f"task-{nth}",
            "metadata": {"tags": [f"tag-{nth}"]},
            "stream": nth % 4 == 0,
        }
        caller = USER["authorization"] if is_own else f"Bearer {tokens[nth]}"
        headers = {"authorization": caller, "x-session-id": f"session-{nth}"}
        asked.append((json.dumps(body).encode(), {**headers, "user-agent": f"agent-{nth}"}))
    return asked


def test_names_that_callers_think_of_cost_no_memory(
    web: UvicornServer, deployment: Deployment
) -> None:
    tokens = [mint() for _ in range(20_000)]
    with (
        psycopg.connect(deployment.database_url, autocommit=True) as connection,
        connection.transaction(),
    ):
        for nth, token in enumerate(tokens):
            create_token(
                connection, token=token, name="n", user_id=f"user-{nth}", team_id=None,
                tier="professional", role="user",
            )  # fmt: skip
    key = {"provider": "openai", "api_key": "sk-test-1234567890abcdefghijklmnop"}
    stored = httpx.post(web.url + "/api/v1/llm/byok/keys", json=key, headers=USER, trust_env=False)
    assert stored.status_code == 200
    seen = {}
    for first, last in ((0, 2_000), (2_000, 20_000)):
        for at in range(first, last, BATCH):
            assert asyncio.run(ask_all(web, named(tokens, at, at + BATCH))) <= {200, 404}
        time.sleep(5)
        seen[last] = resident_mb(web)
    assert seen[20_000] < 1.1 * seen[2_000]
    metrics = httpx.get(web.url + "/metrics", headers=ADMIN, trust_env=False)
    assert len(metrics.content) < 100_000
