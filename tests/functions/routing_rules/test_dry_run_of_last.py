"""A change is tried on the last requests, by the service that makes it, and nothing is written."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import ADMIN, Deployment
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

DRY_RUN = "/api/v1/admin/llm/dry-run"
ROOT = "/api/v1/admin/llm"
TERRA = "openai/gpt-6.1-terra"
RULE = {"model": TERRA, "power_level": "eco", "priority": 1000}
LIMIT = {"scope": "user", "subject": "past", "requests_per_minute": 1}
TABLES = ("llm_routing_rules", "model_aliases", "model_prices", "limits", "audit_events")


@pytest.fixture(scope="module")
def past(own_deployment: Deployment) -> int:
    """Ten requests for eco of one user, and one of nobody's token; how many there are in all."""
    with psycopg.connect(own_deployment.database_url, autocommit=True) as connection:
        token_id = create_token(
            connection, token=mint(), name="past", user_id="past", team_id=None,
            tier="enterprise", role="user",
        )  # fmt: skip
        connection.execute(
            "INSERT INTO llm_usage_logs (request_id, user_id, access_token_id, provider_id,"
            " model_id, model_requested, power_level, prompt_tokens, completion_tokens,"
            " total_tokens, cost_total_usd, billed_to, status_code, created_at)"
            " SELECT 'past-' || n, 'past', CASE WHEN n < 11 THEN %s END, provider_id, id, 'eco',"
            " 'eco', 1000, 200, 1200, 0.0001, 'platform', 200, now()"
            " FROM llm_models, generate_series(1, 11) AS n WHERE model_id = 'openai/gpt-oss-20b'"
            " AND provider_id = (SELECT id FROM llm_providers WHERE provider_slug = 'groq')",
            (token_id,),
        )
        [(count,)] = connection.execute("SELECT count(*) FROM llm_usage_logs").fetchall()
    return count


def post(web: UvicornServer, body: object) -> httpx.Response:
    return httpx.post(web.url + DRY_RUN, json=body, headers=ADMIN, timeout=20, trust_env=False)


def counts(deployment: Deployment) -> list[Any]:
    with psycopg.connect(deployment.database_url) as connection:
        return [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]  # noqa: S608
            for table in TABLES
        ]


def model_id(web: UvicornServer) -> int:
    models = httpx.get(f"{web.url}{ROOT}/models", headers=ADMIN, trust_env=False).json()["data"]
    return next(one["id"] for one in models if one["model_id"] == "openai/gpt-oss-20b")


def test_a_rule_moves_them_and_nothing_is_written(
    web: UvicornServer, own_deployment: Deployment, past: int
) -> None:
    before = counts(own_deployment)
    answer = post(web, {"change": {"rule": RULE}, "last": 1000})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["seen"], told["decided"], told["refused"]) == (past, 10, 0)
    assert told["moved"] == [{"from": "groq/openai/gpt-oss-20b", "to": TERRA, "count": 10}]
    assert 0 < told["cost_usd"]["was"] < told["cost_usd"]["would_be"]
    assert counts(own_deployment) == before


def test_a_limit_a_price_and_an_alias_are_tried(
    web: UvicornServer, own_deployment: Deployment, past: int
) -> None:
    before = counts(own_deployment)
    limit = post(web, {"change": {"limit": LIMIT}, "last": 1000}).json()
    assert (limit["decided"], limit["refused"]) == (past, 10)
    price = {"tiers": [{"start_tokens": 0, "input": "100", "output": "100"}], "source": "a test"}
    change = {"price": {"model_id": model_id(web), "price": price}}
    dearer = post(web, {"change": change, "last": 1000}).json()
    assert dearer["moved"] == [] or dearer["cost_usd"]["would_be"] > 0
    assert dearer["cost_usd"]["would_be"] != dearer["cost_usd"]["was"]
    alias = post(web, {"change": {"alias": {"name": "new-one", "target": "eco"}}, "last": 5})
    assert (alias.status_code, alias.json()["seen"]) == (200, 5)
    assert counts(own_deployment) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"change": {"rule": RULE | {"model": "nobody/nothing"}}}, 400, "model_not_found"),
        ({"change": {"limit": LIMIT | {"time_zone": "Mars/Base"}}}, 400, None),
        ({"change": {"price": {"model_id": 999999, "price": {"tiers": []}}}}, 400, None),
        ({"change": {"alias": {"name": "new-one", "target": "nowhere-at-all"}}}, 400, None),
        ({"change": {}}, 400, None),
        ({"change": {"rule": RULE, "limit": LIMIT}}, 400, None),
        ({"change": {"rule": RULE}, "last": 0}, 400, None),
        ({"change": {"rule": RULE}, "last": 10**6}, 400, None),
    ],
)
def test_what_making_it_would_refuse_is_refused(
    web: UvicornServer, past: int, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = post(web, {"last": 1000, **body})
    assert answer.status_code == status, answer.text
    assert code in (None, answer.json()["error"]["code"])
    assert past
