"""Callers' own keys through the running gateway: unlisted models, and rules that need a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import Deployment, ask
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

KEYS = "/api/v1/llm/byok/keys"


@pytest.fixture(scope="module")
def olga(deployment: Deployment, gateway: UvicornServer) -> Iterator[dict[str, str]]:
    """A caller with a key of her own at Google, and at no other provider."""
    token = mint()
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name="olga",
            user_id="olga",
            team_id=None,
            tier="professional",
            role="user",
        )
    mine = {"authorization": f"Bearer {token}"}
    stored = httpx.post(
        gateway.url + KEYS,
        json={"provider": "google", "api_key": "AIzaOlgasOwnKey0123456789abcdefghijklmn"},
        headers=mine,
        timeout=20,
        trust_env=False,
    )
    assert stored.status_code == 200, stored.text
    yield mine
    httpx.delete(gateway.url + KEYS + "/google", headers=mine, timeout=20, trust_env=False)


def metadata(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return answer.json()["_metadata"]


def test_an_unlisted_model_goes_where_the_price_catalog_knows_it_with_the_own_key(
    gateway: UvicornServer, olga: dict[str, str]
) -> None:
    told = metadata(ask(gateway.url, headers=olga, model="gemini-2.5-pro"))
    assert (told["provider_used"], told["model_used"]) == ("google", "gemini-2.5-pro")
    assert (told["key_source"], told["billed_to"]) == ("byok", "user")
    assert told["cost_incurred"] > 0, "at the catalog's price"
    named = metadata(ask(gateway.url, headers=olga, model="google/some-model-of-tomorrow"))
    assert named["model_used"] == "some-model-of-tomorrow"
    assert named["cost_incurred"] is None, "nobody knows its price, which is not zero"


def test_an_unlisted_model_with_a_price_is_served_by_the_platforms_key(
    gateway: UvicornServer, olga: dict[str, str]
) -> None:
    told = metadata(ask(gateway.url, headers=olga, model="gpt-5-mini"))
    assert (told["provider_used"], told["key_source"]) == ("openai", "platform")
    assert told["cost_incurred"] > 0


def test_the_row_of_an_unlisted_model_names_it_and_no_listed_one(
    gateway: UvicornServer, olga: dict[str, str], deployment: Deployment
) -> None:
    request_id = metadata(ask(gateway.url, headers=olga, model="gemini-2.5-pro"))["request_id"]

    def mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["request_id"] == request_id]

    (row,) = mine(deployment.rows_when(lambda rows: bool(mine(rows))))
    assert row["model_id"] is None
    assert row["model_requested"] == "gemini-2.5-pro"
    assert row["used_byok"] is True


def test_an_own_key_comes_first_at_its_provider(
    gateway: UvicornServer, olga: dict[str, str]
) -> None:
    told = metadata(ask(gateway.url, headers=olga, model="gemini-3.8-flash"))
    assert told["key_source"] == "byok"
    assert metadata(ask(gateway.url, model="gemini-3.8-flash"))["key_source"] == "platform"
