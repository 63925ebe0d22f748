"""The platform's own keys, stored by an admin over the environment's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.fakes.gateway import ADMIN, Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/api/v1/admin/llm/system-keys"
STORED = "sk-stored-1234567890abcdefghijkl"
GIVEN = "sk-given-1234567890abcdefghijenvi"


@pytest.fixture(scope="module")
def place(
    new_place: NewPlace,
    simulated: SimulatedProvider,
) -> Deployment:
    """Nothing is simulated here but OpenAI's place, which the operator's environment names."""
    return Deployment(
        **new_place("system")._asdict(),
        simulated_url=None,
        more={"OPENAI_API_KEY": GIVEN, "OPENAI_BASE_URL": f"{simulated.url}/openai/v1"},
    )


@pytest.fixture(scope="module")
def web(place: Deployment) -> Iterator[UvicornServer]:
    with place.web() as running:
        yield running


def call(web: UvicornServer, method: str, path: str = "", **body: Any) -> httpx.Response:
    return httpx.request(
        method, web.url + PATH + path, headers=ADMIN, json=body or None, trust_env=False
    )


def card(web: UvicornServer) -> dict[str, Any]:
    [one] = [one for one in call(web, "GET").json()["data"] if one["provider"] == "openai"]
    return one


def last_key_sent(web: UvicornServer, simulated: SimulatedProvider) -> str:
    simulated.clear()
    assert ask(web.url, model="openai/gpt-6.1-terra").status_code == 200
    [completion] = simulated.calls()
    return str(completion["key_last4"])


def wait_for(read: Callable[[], str], wanted: str) -> None:
    ends = time.monotonic() + 10
    while read() != wanted:
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_stored_key_wins_over_the_environments_until_it_is_deleted(
    place: Deployment, web: UvicornServer, simulated: SimulatedProvider
) -> None:
    assert last_key_sent(web, simulated) == "envi"
    shown = card(web)
    assert (shown["source"], shown["masked_key"]) == ("environment", "***...envi")
    stored = call(web, "POST", provider="openai", api_key=STORED)
    assert stored.status_code == 200, stored.text
    assert stored.json() == card(web)
    assert (card(web)["source"], card(web)["masked_key"]) == ("stored", "***...ijkl")
    assert card(web)["status"] == "ok"
    wait_for(lambda: last_key_sent(web, simulated), "ijkl")
    with psycopg.connect(place.database_url) as connection:
        rows = connection.execute("SELECT p::text FROM llm_providers p").fetchall()
    assert STORED not in str(rows)
    assert call(web, "DELETE", "/openai").json()["source"] == "environment"
    wait_for(lambda: last_key_sent(web, simulated), "envi")
    assert call(web, "DELETE", "/openai").status_code == 404


def test_a_user_s_ciphertext_does_not_open_as_the_platforms(
    place: Deployment, web: UvicornServer, simulated: SimulatedProvider
) -> None:
    """A database writer cannot have everybody spend a user's key, nor the reverse."""
    headers = {"authorization": "Bearer test-user-token"}
    url = web.url + "/api/v1/llm/byok/keys"
    body = {"provider": "openai", "api_key": STORED}
    httpx.post(url, headers=headers, json=body, trust_env=False).raise_for_status()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_providers SET encrypted_system_key ="
            " (SELECT encrypted_api_key FROM user_api_keys) WHERE provider_slug = 'openai'"
        )
    httpx.delete(url + "/openai", headers=headers, trust_env=False).raise_for_status()

    def code() -> str:
        simulated.clear()
        error = ask(web.url, model="openai/gpt-6.1-terra").json().get("error", {})
        return str(error.get("code"))

    wait_for(code, "platform_key_refused")
    assert [one for one in simulated.calls() if one["path"].endswith("completions")] == []
    assert call(web, "POST", "/openai/test").status_code == 503
    call(web, "DELETE", "/openai")


def test_a_test_notes_what_the_provider_said(web: UvicornServer) -> None:
    bad = "sk-invalid-1234567890abcdefghijkl"
    stored = call(web, "POST", provider="OpenAI", api_key=bad).json()
    assert (stored["provider"], stored["status"]) == ("openai", "invalid")
    call(web, "POST", provider="openai", api_key=STORED)
    tested = call(web, "POST", "/openai/test").json()
    assert (tested["status"], tested["status_reason"]) == ("ok", None)
    call(web, "DELETE", "/openai")


def test_a_provider_that_cannot_be_reached_leaves_a_key_unverified_and_stored(
    place: Deployment, web: UvicornServer
) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_providers SET base_url = 'https://nowhere.invalid/v1'"
            " WHERE provider_slug = 'groq'"
        )
    stored = call(web, "POST", provider="groq", api_key="gsk_" + "a" * 44).json()
    assert (stored["source"], stored["status"]) == ("stored", "unverified")
    assert stored["status_reason"] == "Groq could not be reached."


def test_a_key_goes_to_where_its_provider_was_moved_a_moment_ago(
    place: Deployment, web: UvicornServer, simulated: SimulatedProvider
) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_providers SET base_url = %s, is_local = true"
            " WHERE provider_slug = 'fireworks'",
            (f"{simulated.url}/openai/v1",),
        )
    stored = call(web, "POST", provider="fireworks", api_key=STORED).json()
    assert (stored["source"], stored["status"]) == ("stored", "ok"), stored
    # Sealed to that host: it opens there.
    assert call(web, "POST", "/fireworks/test").json()["status"] == "ok"


def test_an_unknown_provider_is_refused_by_name(web: UvicornServer) -> None:
    answer = call(web, "POST", provider="nope", api_key=STORED)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "provider")
    assert call(web, "POST", "/nope/test").status_code == 404
    assert call(web, "POST", "/together/test").status_code == 404
