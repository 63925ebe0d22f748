"""An admin adds, prices, changes and deletes models; each price is a version, none is lost."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
import pytest

from tests.fakes.admin import Admin, audited, eventually, refusal
from tests.fakes.gateway import Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer

_numbers = itertools.count(1)
TIER = {"start_tokens": 0, "input": "1.5", "output": "6"}


@pytest.fixture
def admin(changing_gateway: UvicornServer) -> Admin:
    return Admin(changing_gateway.url)


@pytest.fixture
def name() -> str:
    return f"vendor/model-{next(_numbers)}"


def add(admin: Admin, name: str, **fields: Any) -> dict[str, Any]:
    answer = admin("POST", "/models", provider="openai", model_id=name, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_model_is_made_read_changed_and_deleted(
    admin: Admin, name: str, changing_deployment: Deployment
) -> None:
    made = add(admin, name, context_window=1000, power_level="eco", price={"tiers": [TIER]})
    place = f"/models/{made['id']}"
    assert (made["provider"], made["model_id"], made["name"]) == ("openai", name, name)
    assert made["price"]["version"] == 1
    assert made["price"]["prices"]["tiers"] == [{**TIER, "cached": None, "cache_write": None}]
    assert admin("GET", place).json() == made
    assert made in admin("GET", "/models?provider=openai").json()["data"]
    assert made not in admin("GET", "/models?provider=groq").json()["data"]
    day = "2027-01-31T00:00:00Z"
    changed = admin("PATCH", place, is_active=False, power_level=None, deprecation_date=day).json()
    assert (changed["is_active"], changed["power_level"]) == (False, None)
    assert changed["price"] == made["price"]
    assert admin("DELETE", place).json() == {"id": made["id"], "deleted": True}
    assert refusal(admin("GET", place)) == (404, "model_not_found", "id")
    trail = audited(changing_deployment.database_url, "model", str(made["id"]))
    assert [one["action"] for one in trail] == ["model.created", "model.changed", "model.deleted"]


def test_a_new_price_is_a_new_version_and_the_same_one_is_none(
    admin: Admin, name: str, changing_deployment: Deployment
) -> None:
    made = add(admin, name, price={"tiers": [TIER]})
    place = f"/models/{made['id']}"
    dearer = {"tiers": [{**TIER, "output": "7"}], "source": "their price list"}
    changed = admin("PATCH", place, price=dearer).json()
    assert (changed["price"]["version"], changed["price"]["source"]) == (2, "their price list")
    assert admin("PATCH", place, price=dearer).json()["price"] == changed["price"]
    with psycopg.connect(changing_deployment.database_url) as connection:
        versions = connection.execute(
            "SELECT version, prices -> 'tiers' -> 0 ->> 'output' FROM model_prices"
            " WHERE model_id = %s ORDER BY version",
            [made["id"]],
        ).fetchall()
        flat = connection.execute(
            "SELECT cost_per_1m_output_tokens::text FROM llm_models WHERE id = %s", [made["id"]]
        ).fetchone()
    assert versions == [(1, "6"), (2, "7")]
    assert flat == ("7.000000000000",)


def test_what_it_costs_is_billed_from_the_newest_price(
    admin: Admin, name: str, changing_gateway: UvicornServer
) -> None:
    made = add(admin, name)
    url, wanted = changing_gateway.url, f"openai/{name}"
    assert eventually(lambda: ask(url, model=wanted).status_code == 200)
    assert ask(url, model=wanted).json()["_metadata"]["cost_incurred"] is None
    admin("PATCH", f"/models/{made['id']}", price={"tiers": [TIER]})

    def cost() -> float | None:
        return ask(url, model=wanted).json()["_metadata"]["cost_incurred"]

    assert eventually(lambda: cost() is not None)
    assert cost() > 0  # type: ignore[operator]
    assert refusal(admin("PATCH", f"/models/{made['id']}"))[2] == "body"


def test_a_model_that_a_rule_names_stays(admin: Admin) -> None:
    seeded = admin("GET", "/models?provider=groq").json()["data"][0]
    answer = admin("DELETE", f"/models/{seeded['id']}")
    assert refusal(answer) == (409, "model_in_use", "model")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"provider": "nobody"}, "provider_not_found", "provider"),
        ({"model_id": "has a blank"}, "invalid_value", "model_id"),
        ({"power_level": "none-such"}, "invalid_value", "power_level"),
        ({"context_window": 0}, "invalid_value", "context_window"),
        ({"min_tier": "gold"}, "invalid_value", "min_tier"),
        ({"avg_latency_ms": 3}, "invalid_value", "avg_latency_ms"),
        ({"price": {"tiers": []}}, "invalid_value", "price.tiers"),
        ({"price": {"tiers": [{**TIER, "input": "-1"}]}}, "price_unreadable", "price.tiers"),
        ({"price": {"tiers": [{**TIER, "input": 1.5}]}}, "price_unreadable", "price.tiers"),
        ({"price": {"tiers": [{**TIER, "start_tokens": 5}]}}, "price_unreadable", "price.tiers"),
        ({"price": {"tiers": [{"start_tokens": 0}]}}, "price_unreadable", "price.tiers"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(
    admin: Admin, name: str, fields: dict[str, Any], code: str, param: str
) -> None:
    answer = admin("POST", "/models", **{"provider": "openai", "model_id": name, **fields})
    assert refusal(answer) == (400, code, param)
    assert name not in [one["model_id"] for one in admin("GET", "/models").json()["data"]]


def test_an_id_is_taken_once_at_a_provider_and_free_at_another(admin: Admin, name: str) -> None:
    add(admin, name)
    again = admin("POST", "/models", provider="openai", model_id=name)
    assert refusal(again) == (409, "taken", "model_id")
    assert admin("POST", "/models", provider="groq", model_id=name).status_code == 201


def test_only_an_admin_may(admin: Admin) -> None:
    for method, path in [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/1"),
        ("PATCH", "/1"),
        ("DELETE", "/1"),
    ]:
        assert admin.as_user(method, f"/models{path}").status_code == 403


def test_what_is_left_out_of_a_new_model_is_as_the_catalog_has_it(admin: Admin) -> None:
    made = add(admin, "gpt-4o-mini")
    assert made["price"]["source"].startswith("genai-prices")
    assert made["price"]["prices"]["tiers"][0]["input"] == "0.15"
    assert (made["kind"], made["context_window"], made["max_tokens"]) == ("chat", 128_000, 16_384)
    assert made["supports_function_calling"] is made["supports_vision"] is True
    given = add(
        admin,
        "gpt-4.1-mini",
        price={"tiers": [TIER]},
        supports_vision=False,
        context_window=None,
    )
    assert given["price"]["source"] == "admin"
    assert (given["supports_vision"], given["context_window"]) == (False, None)
    unknown = add(admin, "nobody-has-heard-of-it")
    assert unknown["supports_function_calling"] is unknown["supports_json_mode"] is True
    embedding = add(admin, "text-embedding-3-small")
    assert (embedding["kind"], embedding["dimensions"]) == ("embedding", 1536)
