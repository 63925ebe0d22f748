"""While PostgreSQL is away, each route either answers from memory or says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from shared.auth.token import mint
from shared.embedded import EmbeddedPostgres
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.functions.route_table import ALL, ROUTES

FROM_MEMORY = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/console/{name:str}"),
    ("GET", "/favicon.ico"),
    ("GET", "/sign-in"),
    ("GET", "/status"),
    ("GET", "/status/board"),
    ("GET", "/status.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("POST", "/api/v1/llm/chat/completions"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/api/v1/llm/messages"),
    ("POST", "/v1/messages"),
    ("POST", "/api/v1/llm/messages/count_tokens"),
    ("POST", "/api/v1/llm/responses"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/api/v1/llm/embeddings"),
    ("POST", "/v1/embeddings"),
    ("POST", "/api/v1/llm/route"),
    ("POST", "/api/v1/llm/quote"),
    ("GET", "/api/v1/llm/models"),
    ("GET", "/v1/models"),
    ("GET", "/api/v1/llm/models/{model_id:path}"),
    ("GET", "/v1/models/{model_id:path}"),
    ("GET", "/api/v1/llm/providers"),
    ("GET", "/api/v1/admin/llm/tiers"),
}
FILLED = {
    "model_id:path": "gpt-6.1-terra",
    "provider:str": "openai",
    "response_id:str": "resp_1",
    "name:str": "balanced",
    "name:path": "gpt-4o",
    "user_id:path": "ann",
    "team_id:str": "search",
    "token_id:int": "1",
    "model_id:int": "1",
    "rule_id:int": "1",
    "limit_id:int": "1",
}


@pytest.fixture(scope="module")
def answers(
    new_place: NewPlace, simulated: SimulatedProvider, postgres_server: EmbeddedPostgres
) -> Iterator[Mapping[tuple[str, str], httpx.Response]]:
    """What each route answers to an admin who was known before."""
    place = new_place("away")
    token = mint()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        create_token(
            connection, token=token, name="root", user_id="root", team_id=None,
            tier="enterprise", role="admin",
        )  # fmt: skip
    deployment = Deployment(**place._asdict(), simulated_url=simulated.url)
    headers = {"authorization": f"Bearer {token}"}
    with (
        deployment.web() as web,
        httpx.Client(base_url=web.url, headers=headers, trust_env=False, timeout=30) as client,
    ):
        client.post("/v1/chat/completions", json=body_of("POST", "/v1/chat/completions"))
        send_away(postgres_server, place.database_url)

        def ask(route: tuple[str, str]) -> httpx.Response:
            method, path = route
            own = {f"{name}:str": value for name, value in ROUTES[route].path.items()}
            filled = {**FILLED, **own}
            url = re.sub(r"/?{([^}]+)}", lambda found: "/" + filled[found[1]], path)
            return client.request(method, url, json=body_of(method, path))

        # First and one by one, so that none waits behind others; then together, since each that
        # needs the database waits 5 s for it.
        quick = {route: ask(route) for route in ALL if route in FROM_MEMORY}
        slow = [route for route in ALL if route not in quick]
        with ThreadPoolExecutor(len(slow)) as pool:
            yield quick | dict(zip(slow, pool.map(ask, slow), strict=True))


def body_of(method: str, path: str) -> Any:
    row = ROUTES[method, path]
    return row.new.numbered(7) if row.new is not None and "{" not in path else row.body


def send_away(server: EmbeddedPostgres, database_url: str) -> None:
    name = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )


BY_TOKEN = sorted(route for route in ALL if ROUTES[route].who not in ("session", "form"))


@pytest.mark.parametrize("route", BY_TOKEN, ids=" ".join)
def test_a_route_serves_from_memory_or_names_the_database(
    answers: Mapping[tuple[str, str], httpx.Response], route: tuple[str, str]
) -> None:
    answer = answers[route]
    if ROUTES[route].missing is not None:
        assert answer.status_code == ROUTES[route].missing
        return
    if route in FROM_MEMORY:
        assert answer.status_code == 200, answer.text
        assert answer.elapsed.total_seconds() < 4, "it has waited for a connection"
        return
    assert answer.status_code == 503, answer.text
    error = answer.json()["error"]
    assert error["code"] == "database_unavailable"
    assert "PostgreSQL" in error["message"] or "database" in error["message"]
    assert "retry-after" in answer.headers
    assert "127.0.0.1" not in answer.text
