"""A walk through everything that a gateway does with secrets, and their names."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from tests.fakes.admin import eventually
from tests.fakes.echoing_provider import WAYS, EchoingProvider
from tests.fakes.gateway import PATH

# Characters that JSON, base64 and URLs each write in their own way.
ALICES = "sk-canary-alice+/=%Q7xZ0pLm"
REPLACED = "sk-canary-replaced+/=%V2nBq8"
ENVIRONMENTS = "sk-canary-environment+/=%T5"
STORED = "sk-ant-canary-stored+/=%K9wE"
LITELLM = "sk-canary-litellm+/=%H3uJr"
WEBHOOK = "whsec-canary-webhook+/=%G6"
DATABASE_PASSWORD = "canary-database+/=%D1sWx"
REDIS_PASSWORD = "canary-redis+/=%R4tYb"

ADMIN_PATH = "/api/v1/admin/llm"
KEYS_PATH = "/api/v1/llm/byok/keys"
MODELS = {"openai": "gpt-6.1-terra", "anthropic": "claude-opus-5-5", "litellm": "gemini-3.8-flash"}


@dataclass
class Journey:
    """What was sent with which secrets, and all that was answered."""

    url: str
    admin: str
    secrets: dict[str, str]
    answers: list[bytes] = field(default_factory=list[bytes])
    metrics: bytes = b""

    def call(
        self, method: str, path: str, token: str | None = None, *, shows: str = "", **more: Any
    ) -> httpx.Response:
        """`shows`: the name of a secret that this answer, and no other, is there to show."""
        headers = {"authorization": f"Bearer {self.admin if token is None else token}"}
        headers |= more.pop("headers", {})
        answer = httpx.request(
            method, self.url + path, headers=headers, timeout=60, trust_env=False, **more
        )
        if shows:
            self.secrets[shows] = answer.json()["token"]
        else:
            lines = [f"{name}: {value}" for name, value in answer.headers.items()]
            self.answers.append("\n".join(lines).encode() + b"\n\n" + answer.content)
        return answer

    def ask(self, token: str, model: str, way: str, *, stream: bool) -> int:
        message = {"role": "user", "content": f"way=({way})"}
        body = {"model": model, "messages": [message], "stream": stream, "max_tokens": 50}
        return self.call("POST", PATH, token, json=body).status_code

    def done(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        answer = self.call(method, path, token, **more)
        assert answer.is_success, (method, path, answer.text)
        return answer


def make_and_change_tokens(journey: Journey) -> tuple[str, str]:
    """Alice's token and bob's."""
    path = ADMIN_PATH + "/access-tokens"
    for name in ("alice", "bob", "carol"):
        body = {"user_id": name, "tier": "professional"}
        journey.done("POST", path, json=body, shows=f"{name}'s token")
    cards = {one["user_id"]: one["id"] for one in journey.done("GET", path).json()["data"]}
    carols = f"{path}/{cards['carol']}"
    journey.done("PATCH", carols, json={"name": "another"})
    journey.done("POST", carols + "/rotate", json={}, shows="carol's second token")
    journey.done("DELETE", carols)
    alices = journey.secrets["alice's token"]
    for wrong in (alices + "x", alices[:-1], alices.swapcase(), quote(ALICES, safe="")):
        assert journey.call("GET", KEYS_PATH, wrong).status_code == 401
    both = {"x-api-key": journey.secrets["bob's token"]}
    assert journey.call("GET", KEYS_PATH, alices, headers=both).status_code == 400
    assert journey.call("GET", KEYS_PATH, "none", params={"api_key": alices}).status_code == 401
    return alices, journey.secrets["bob's token"]


def store_and_change_keys(journey: Journey, upstream: EchoingProvider, alice: str) -> None:
    system_keys = ADMIN_PATH + "/system-keys"
    for way in ("status 500", "status 401", "bad header", "no HTTP", "html", "ok"):
        upstream.way = way
        for key in (REPLACED, ALICES):
            body = {"provider": "openai", "api_key": key}
            journey.done("POST", KEYS_PATH, alice, json=body)
        journey.done("POST", KEYS_PATH + "/openai/test", alice)
        journey.done("POST", system_keys, json={"provider": "anthropic", "api_key": STORED})
        journey.done("POST", system_keys + "/anthropic/test")
        journey.call("POST", ADMIN_PATH + "/providers/openai/test")
    journey.done("PATCH", KEYS_PATH + "/openai", alice, json={"name": "mine"})
    malformed: list[Any] = [
        {"provider": "openai", "api_key": f"{ALICES} {ALICES}"},
        {"provider": "openai", "api_key": [ALICES]},
        {"provider": "openai", "api_key": {"key": ALICES}},
        {"provider": "openai", "api_key": ALICES, "use_policy": ALICES},
        {"provider": "openai", "key": ALICES},
        {"provider": ALICES, "api_key": "sk-something-else"},
        ALICES,
    ]
    for body in malformed:
        for path, token in ((KEYS_PATH, alice), (system_keys, None)):
            assert journey.call("POST", path, token, json=body).status_code in (400, 404, 422), body
    cut = f'{{"provider": "openai", "api_key": "{ALICES}'
    assert journey.call("POST", KEYS_PATH, alice, content=cut).status_code == 400
    for path, token in ((KEYS_PATH, alice), (system_keys, None)):
        listed = journey.done("GET", path, token).text
        assert ALICES[-4:] in listed or STORED[-4:] in listed


def complete_in_every_way(
    journey: Journey, upstream: EchoingProvider, alice: str, bob: str
) -> None:
    """Alice with her own key; bob with the environment's, the stored one and LiteLLM's."""
    callers = [(alice, MODELS["openai"]), *((bob, model) for model in MODELS.values())]

    def ask(one: tuple[tuple[str, str], str, bool]) -> int:
        (token, model), way, stream = one
        return journey.ask(token, model, way, stream=stream)

    last = ("status 403", "status 401")
    ways = [way for way in WAYS if way not in last]
    with ThreadPoolExecutor(12) as pool:
        hers = itertools.product(callers[:1], ways, (False, True))
        # Bob asks in every way for one of the two, the first (`ok`) for an answer that is whole.
        his = itertools.product(callers[1:], zip(ways, itertools.cycle((False, True))))
        turns = [(caller, way, stream) for caller, (way, stream) in his]
        statuses = list(pool.map(ask, [*hers, *turns]))
    assert statuses.count(200) >= len(callers)
    for one in itertools.product(callers, last, (False,)):
        ask(one)
    sent = b"".join(upstream.requests)
    for key in (ALICES, REPLACED, ENVIRONMENTS, STORED, LITELLM):
        assert key.encode() in sent, "every key was sent, or there was nothing to echo"


def break_what_is_stored(journey: Journey, database_url: str, alice: str) -> None:
    """A sealed key with one character changed; and a fault of our own, for its traceback."""
    body = {"provider": "openai", "api_key": ALICES}
    with psycopg.connect(database_url, autocommit=True) as connection:
        journey.done("POST", KEYS_PATH, alice, json=body)
        connection.execute(
            "UPDATE user_api_keys SET encrypted_api_key = 'gAAAAA' || reverse(encrypted_api_key)"
        )
        for _ in range(20):
            if journey.ask(alice, MODELS["openai"], "ok", stream=False) == 422:
                break
        else:
            pytest.fail("a key that was tampered with was used")
        assert eventually(lambda: _is_audited(connection, "user_key.not_opened"))
        connection.execute("ALTER TABLE audit_events RENAME TO audit_events_away")
        try:
            assert journey.call("POST", KEYS_PATH, alice, json=body).status_code == 500
            path = ADMIN_PATH + "/access-tokens"
            new = {"user_id": "dave", "tier": "free"}
            assert journey.call("POST", path, json=new).status_code == 500
        finally:
            connection.execute("ALTER TABLE audit_events_away RENAME TO audit_events")


def _is_audited(connection: psycopg.Connection, action: str) -> bool:
    found = connection.execute("SELECT 1 FROM audit_events WHERE action = %s LIMIT 1", [action])
    return found.fetchone() is not None


def read_all_there_is(journey: Journey, alice: str) -> None:
    for path in (
        *("/models", "/providers", "/usage", "/usage/export", "/byok/keys"),
        "/usage/summary?group_by=provider",
    ):
        journey.done("GET", "/api/v1/llm" + path, alice)
    for path in (
        *("/health?history=50", "/usage", "/audit", "/access-tokens", "/system-keys"),
        *("/providers", "/models", "/routing-rules"),
    ):
        journey.done("GET", ADMIN_PATH + path)
    question = {"messages": [{"role": "user", "content": "Hello"}]}
    journey.done("POST", "/api/v1/llm/route", alice, json=question)
    for path in ("/healthz", "/readyz", "/openapi/openapi.json"):
        journey.call("GET", path)
    journey.metrics = journey.done("GET", "/metrics").content


def run_commands(environment: Mapping[str, str], *commands: str) -> bytes:
    def run(command: str) -> bytes:
        code = "from shared.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *command.split()],
            env={"PATH": "", **environment},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    with ThreadPoolExecutor(2) as pool:
        return b"\n".join(pool.map(run, commands))
