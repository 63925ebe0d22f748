"""A power level picks the model, the tier decides whether it may, and one row bills it."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from tests.fakes.gateway import Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer

LEVELS = ("eco", "balanced", "precision")


def test_each_level_goes_to_a_model_of_its_own(gateway: UvicornServer) -> None:
    models = {}
    for level in LEVELS:
        answer = ask(gateway.url, headers={"x-power-level": level})
        assert answer.status_code == 200
        metadata = answer.json()["_metadata"]
        assert metadata["power_level"] == level
        assert metadata["cost_incurred"] > 0
        assert metadata["simulated"] is True
        assert answer.headers["x-switchyard-model"] == metadata["model_used"]
        models[level] = metadata["model_used"]
    assert len(set(models.values())) == 3


@pytest.mark.parametrize(
    ("how", "value"),
    [("header", "eco"), ("body", "eco"), ("model", "eco"), ("header", "ECO")],
)
def test_a_level_may_be_named_in_three_places(gateway: UvicornServer, how: str, value: str) -> None:
    if how == "header":
        answer = ask(gateway.url, headers={"x-power-level": value})
    else:
        answer = ask(gateway.url, **{"power_level" if how == "body" else "model": value})
    assert answer.json()["_metadata"]["power_level"] == "eco"


@pytest.mark.parametrize("model", [None, "auto"])
def test_without_a_level_it_is_balanced(gateway: UvicornServer, model: str | None) -> None:
    answer = ask(gateway.url, **({"model": model} if model else {}))
    assert answer.json()["_metadata"]["power_level"] == "balanced"


def test_a_model_may_be_named_plain_or_with_its_provider(gateway: UvicornServer) -> None:
    used = ask(gateway.url).json()["_metadata"]
    for name in (used["model_used"], f"{used['provider_used']}/{used['model_used']}"):
        metadata = ask(gateway.url, model=name).json()["_metadata"]
        assert (metadata["provider_used"], metadata["model_used"]) == (
            used["provider_used"],
            used["model_used"],
        )


def test_the_free_tier_gets_eco_and_is_told_why_it_gets_no_precision(
    gateway: UvicornServer, free_token: str
) -> None:
    free = {"authorization": f"Bearer {free_token}"}
    assert ask(gateway.url, headers=free).json()["_metadata"]["power_level"] == "eco"
    refused = ask(gateway.url, headers={**free, "x-power-level": "precision"})
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert error["code"] == "tier_not_allowed"
    assert error["type"] == "permission_error"
    assert "precision" in error["message"]
    assert "free" in error["message"]


def test_the_row_says_what_the_answer_said(gateway: UvicornServer, deployment: Deployment) -> None:
    answer = ask(
        gateway.url,
        "What does it cost?",
        headers={"user-agent": "probe/1", "x-session-id": "s-1", "x-task-type": "chat"},
    )
    assert answer.status_code == 200, gateway.output()[-3000:]
    request_id = answer.headers["x-request-id"]
    body, metadata = answer.json(), answer.json()["_metadata"]
    assert metadata["request_id"] == request_id

    def is_there(rows: list[dict[str, object]]) -> bool:
        return any(row["request_id"] == request_id for row in rows)

    rows = deployment.rows_when(is_there)
    (row,) = [row for row in rows if row["request_id"] == request_id]
    assert row["state"] == "final"
    assert row["user_id"] == "test-user"
    assert row["prompt_tokens"] == body["usage"]["prompt_tokens"]
    assert row["completion_tokens"] == body["usage"]["completion_tokens"]
    assert row["total_tokens"] == body["usage"]["total_tokens"]
    assert row["cost_total_usd"] == row["cost_input_usd"] + row["cost_output_usd"]
    assert row["cost_total_usd"] == Decimal(answer.headers["x-switchyard-cost-usd"])
    assert float(row["cost_total_usd"]) == metadata["cost_incurred"]
    assert row["cost_quality"] == "measured"
    assert row["price_version"] is not None
    assert row["is_simulated"] is True
    assert row["billed_to"] == "platform"
    assert row["model_served"] == metadata["model_used"]
    assert row["status_code"] == 200
    assert row["error_message"] is None
    assert row["user_agent"] == "probe/1"
    assert row["session_id"] == "s-1"
    assert row["task_type"] == "chat"
    assert row["request_ip"] == "127.0.0.1"
    assert row["attempts"] == [
        {**row["attempts"][0], "provider": "openai", "status": 200, "error": None}
    ]
    with psycopg.connect(deployment.database_url) as connection:
        count = connection.execute(
            "SELECT count(*) FROM usage_outbox WHERE request_id = %s", [request_id]
        ).fetchone()
    assert count == (0,), "a simulated answer is never billed"
