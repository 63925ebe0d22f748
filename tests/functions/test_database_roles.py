"""The gateway, and its completions alone, as logins that may do no more than the roles say."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.fakes.gateway import ADMIN, USER, Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider

KEYS = "/api/v1/llm/byok/keys"
TOKENS = "/api/v1/admin/llm/access-tokens"


@pytest.fixture
def deployed_as(new_place: NewPlace, simulated: SimulatedProvider) -> Callable[[str], Deployment]:
    def deploy(role: str) -> Deployment:
        place = new_place(role)
        with psycopg.connect(place.database_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret' IN ROLE {}").format(
                    sql.Identifier(f"{role}_login"), sql.Identifier(role)
                )
            )
        parts = urlsplit(place.database_url)
        url = parts._replace(
            netloc=f"{role}_login:secret@{parts.netloc.rpartition('@')[2]}"
        ).geturl()
        return Deployment(**place._replace(database_url=url)._asdict(), simulated_url=simulated.url)

    return deploy


def test_the_gateway_needs_no_more_than_its_role(deployed_as: Callable[[str], Deployment]) -> None:
    deployment = deployed_as("switchyard_app")
    with deployment.web() as web, httpx.Client(base_url=web.url, trust_env=False) as client:
        key = {"provider": "openai", "api_key": "sk-test-1234567890abcdefghijklmnop"}
        assert client.post(KEYS, json=key, headers=USER).status_code == 200
        assert ask(web.url).json()["_metadata"]["key_source"] == "byok"
        token = {"user_id": "ada", "tier": "free"}
        assert client.post(TOKENS, json=token, headers=ADMIN).is_success
        model = {"is_active": False}
        path = "/api/v1/admin/llm/models"
        one = client.get(path, headers=ADMIN).json()["data"][0]["id"]
        assert client.patch(f"{path}/{one}", json=model, headers=ADMIN).is_success
        assert client.delete(f"{KEYS}/openai", headers=USER).is_success
        trail = client.get("/api/v1/admin/llm/audit", headers=ADMIN).json()["data"]
        assert len(trail) == 4
    with (
        psycopg.connect(deployment.database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM audit_events")


def test_completions_alone_need_no_more_than_theirs(
    deployed_as: Callable[[str], Deployment],
) -> None:
    deployment = deployed_as("switchyard_chat")
    with deployment.web("functions.chat_completions.app:app") as web:
        assert ask(web.url).status_code == 200
        assert "permission denied" not in web.output()
