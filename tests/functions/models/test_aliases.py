"""A name that stands for others, from the admin's request to the completion that was meant."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from tests.fakes.admin import Admin, audited, eventually, refusal
from tests.fakes.gateway import USER, Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer

_numbers = itertools.count(1)
TERRA, OSS = "openai/gpt-6.1-terra", "groq/openai/gpt-oss-20b"


@pytest.fixture
def admin(changing_gateway: UvicornServer) -> Admin:
    return Admin(changing_gateway.url)


@pytest.fixture
def name() -> str:
    return f"alias-{next(_numbers)}"


def met(url: str, model: str, **body: Any) -> dict[str, Any]:
    """`_metadata` of a completion, once the alias is in force."""
    assert eventually(lambda: ask(url, model=model, **body).status_code == 200)
    return ask(url, model=model, **body).json()["_metadata"]


def test_an_alias_is_made_read_changed_and_deleted(
    admin: Admin, name: str, changing_deployment: Deployment
) -> None:
    made = admin("POST", "/aliases", name=name, target="eco").json()
    assert (made["name"], made["target"], made["is_active"]) == (name, "eco", True)
    assert made in admin("GET", "/aliases").json()["data"]
    assert admin("GET", f"/aliases/{name}").json() == made
    weighted = [{"target": TERRA, "weight": 9}, {"target": OSS, "weight": 1}]
    assert admin("PATCH", f"/aliases/{name}", target=weighted).json()["target"] == weighted
    assert admin("DELETE", f"/aliases/{name}").json() == {"name": name, "deleted": True}
    assert refusal(admin("GET", f"/aliases/{name}")) == (404, "alias_not_found", "name")
    trail = audited(changing_deployment.database_url, "alias", name)
    assert [one["action"] for one in trail] == ["alias.created", "alias.changed", "alias.deleted"]


def test_a_completion_and_route_go_where_an_alias_says_and_name_it(
    admin: Admin, name: str, changing_gateway: UvicornServer
) -> None:
    url = changing_gateway.url
    assert admin("POST", "/aliases", name=name, target=OSS).status_code == 201
    meta = met(url, name)
    assert (meta["provider_used"], meta["model_used"], meta["alias"]) == (
        "groq",
        "openai/gpt-oss-20b",
        name,
    )
    route = httpx.post(
        f"{url}/api/v1/llm/route",
        json={"model": name, "messages": [{"role": "user", "content": "Hello"}]},
        headers=USER,
        trust_env=False,
    ).json()
    assert (route["candidates"][0]["provider"], route["alias"]) == ("groq", name)
    assert met(url, "openai/gpt-oss-20b")["alias"] is None


def test_a_pattern_stands_for_names_built_into_a_client(
    admin: Admin, name: str, changing_gateway: UvicornServer
) -> None:
    url = changing_gateway.url
    admin("POST", "/aliases", name=f"{name}-*", target="balanced")
    meta = met(url, f"{name}-opus-5-5")
    assert (meta["power_level"], meta["alias"]) == ("balanced", f"{name}-*")


def test_an_alias_comes_before_a_listed_name(admin: Admin, changing_gateway: UvicornServer) -> None:
    url = changing_gateway.url
    listed = "gpt-6.1-terra"
    admin("POST", "/aliases", name=listed, target=OSS)
    try:
        assert eventually(lambda: met(url, listed)["provider_used"] == "groq")
        assert met(url, TERRA)["provider_used"] == "openai"
    finally:
        admin("DELETE", f"/aliases/{listed}")
    assert eventually(lambda: met(url, listed)["provider_used"] == "openai")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": "eco", "target": "balanced"}, "name"),
        ({"name": "auto", "target": "balanced"}, "name"),
        ({"name": "openai/x", "target": "balanced"}, "name"),
        ({"name": "a*b*", "target": "balanced"}, "name"),
        ({"name": "a", "target": "no-such-model"}, "target"),
        ({"name": "a", "target": "anthropic/*"}, "target"),
        ({"name": "a b", "target": "eco"}, "name"),
        ({"name": "a", "target": []}, "target"),
        ({"name": "a", "target": [{"target": "eco", "weight": 0}]}, "target[0].weight"),
    ],
)
def test_an_alias_that_cannot_hold_is_refused_by_its_field(
    admin: Admin, fields: dict[str, Any], param: str
) -> None:
    status, _, at_fault = refusal(admin("POST", "/aliases", **fields))
    assert (status, at_fault) == (400, param)


def test_a_name_is_taken_once(admin: Admin, name: str) -> None:
    admin("POST", "/aliases", name=name, target="eco")
    assert refusal(admin("POST", "/aliases", name=name, target="eco")) == (409, "taken", "name")
