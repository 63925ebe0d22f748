"""Two users with rows of a year long past, and an admin, at the running gateway."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from shared.ledger.rows import write_batch
from tests.fakes.gateway import ADMIN, Deployment
from tests.fakes.tokens import create_token
from tests.fakes.usage_history import ANNAS, ORPHAN, OTHERS, Get
from tests.fakes.uvicorn_server import UvicornServer


@pytest.fixture(scope="module")
def tokens(deployment: Deployment, gateway: UvicornServer) -> Iterator[dict[str, dict[str, str]]]:
    """Headers by name."""
    found = {"admin": ADMIN}
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        for user in ("anna", "bert"):
            token = mint()
            create_token(
                connection,
                token=token,
                name=user,
                user_id=user,
                team_id=None,
                tier="free",
                role="user",
            )
            found[user] = {"authorization": f"Bearer {token}"}
        write_batch(connection, [*ANNAS, *OTHERS], [ORPHAN])
    yield found
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        for table in ("llm_usage_logs", "usage_daily"):
            query = f"DELETE FROM {table} WHERE user_id IN ('anna', 'bert')"  # noqa: S608
            connection.execute(query.encode())


@pytest.fixture
def get(gateway: UvicornServer, tokens: dict[str, dict[str, str]]) -> Get:
    def ask(who: str, path: str = "", **query: str) -> httpx.Response:
        area = "/admin/llm/usage" if who == "admin" else "/llm/usage"
        return httpx.get(
            f"{gateway.url}/api/v1{area}{path}",
            params=query,
            headers=tokens[who],
            trust_env=False,
            timeout=20,
        )

    return ask
