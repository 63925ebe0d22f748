"""One real key ends the simulation of all providers, at once and everywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.gateway import ADMIN, Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

KEYS = "/api/v1/admin/llm/system-keys"
STORED = "sk-stored-1234567890abcdefghijkl"


@pytest.fixture(scope="module")
def web(new_place: NewPlace, simulated: SimulatedProvider) -> Iterator[UvicornServer]:
    place = Deployment(**new_place("simulation")._asdict(), simulated_url=simulated.url)
    with place.web() as running:
        yield running


def admin(web: UvicornServer, method: str, path: str, **body: str) -> httpx.Response:
    url = web.url + path
    return httpx.request(method, url, headers=ADMIN, json=body or None, trust_env=False)


def ways(web: UvicornServer) -> dict[str, str]:
    listed = admin(web, "GET", "/api/v1/admin/llm/health?history=0").json()["data"]
    return {one["provider"]: one["way"] for one in listed}


def within_2_s(web: UvicornServer, wanted: set[str]) -> dict[str, str]:
    ends = time.monotonic() + 4
    while set((found := ways(web)).values()) != wanted and time.monotonic() < ends:
        time.sleep(0.05)
    return found


def test_the_first_stored_key_makes_its_provider_real_and_the_others_off(
    web: UvicornServer, simulated: SimulatedProvider
) -> None:
    assert set(ways(web).values()) == {"simulated"}
    answer = ask(web.url, model="anthropic/claude-opus-5-5")
    assert answer.json()["_metadata"]["simulated"] is True

    simulated.clear()
    stored = admin(web, "POST", KEYS, provider="openai", api_key=STORED)
    assert (stored.status_code, stored.json()["status"]) == (200, "ok")
    [check] = simulated.calls()
    assert check["key_last4"] == STORED[-4:]
    found = within_2_s(web, {"real", "off"})
    assert [slug for slug, way in found.items() if way == "real"] == ["openai"]
    answer = ask(web.url, model="openai/gpt-6.1-terra")
    assert answer.json()["_metadata"].get("simulated", False) is False
    refused = ask(web.url, model="anthropic/claude-opus-5-5")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_provider_key")

    assert admin(web, "DELETE", f"{KEYS}/openai").status_code == 200
    assert set(within_2_s(web, {"simulated"}).values()) == {"simulated"}


def test_the_key_of_a_caller_is_taken_by_the_simulation_and_called_neither_good_nor_bad(
    web: UvicornServer,
) -> None:
    own = "/api/v1/llm/byok/keys"
    kept = admin(web, "POST", own, provider="openai", api_key="sk-invented-1234567890abcdefgh")
    assert kept.status_code == 200
    [card] = admin(web, "GET", own).json()["providers"]
    assert card["status"] == "simulated"
    tested = admin(web, "POST", f"{own}/openai/test").json()
    assert tested["status"] == "simulated"
    assert "nobody has checked the key" in tested["message"]
    assert set(ways(web).values()) == {"simulated"}
    assert admin(web, "DELETE", f"{own}/openai").status_code == 200
