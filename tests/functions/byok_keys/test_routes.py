"""The routes of the guide's step 7, and what may be said of a key besides."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.fakes.gateway import USER, Deployment
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/api/v1/llm/byok/keys"
KEY = "sk-test-1234567890abcdefghijklmnop"

Call = Callable[..., httpx.Response]


@pytest.fixture
def call(web: UvicornServer, alice: Mapping[str, str]) -> Call:
    def send(method: str, path: str = "", headers: Any = alice, **body: Any) -> httpx.Response:
        return httpx.request(
            method, web.url + PATH + path, headers=headers, json=body or None, trust_env=False
        )

    return send


def store(call: Call, provider: str = "openai", api_key: str = KEY, **more: Any) -> Any:
    answer = call("POST", provider=provider, api_key=api_key, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(byok: Deployment, user_id: str = "alice") -> dict[str, Any]:
    with psycopg.connect(byok.database_url, row_factory=dict_row) as connection:
        found = connection.execute(
            "SELECT * FROM user_api_keys WHERE user_id = %s", (user_id,)
        ).fetchone()
    assert found is not None
    return found


def audited(byok: Deployment, user_id: str = "alice") -> list[dict[str, Any]]:
    with psycopg.connect(byok.database_url, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT * FROM audit_events WHERE actor = %s ORDER BY id", (user_id,)
        ).fetchall()


def curl(web: UvicornServer, *more: str) -> str:
    command = ["curl", "-sS", *more, web.url + PATH]
    command += ["-H", "Authorization: Bearer test-user-token"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def test_the_guides_two_commands_are_answered_as_the_guide_prints(web: UvicornServer) -> None:
    body = '{\n    "provider": "openai",\n    "api_key": "sk-test-1234567890abcdefghijklmnop"\n  }'
    stored = json.loads(curl(web, "-X", "POST", "-H", "Content-Type: application/json", "-d", body))
    key_id = stored["key_id"]
    assert key_id.isdigit()
    assert stored == {
        "success": True,
        "key_id": key_id,
        "provider": "openai",
        "message": "API key stored successfully",
    }
    [listed] = json.loads(curl(web))["providers"]
    assert list(listed)[:4] == ["provider", "enabled", "masked_key", "created_at"]
    assert (listed["provider"], listed["enabled"]) == ("openai", True)
    assert listed["masked_key"] == "***...mnop"
    assert listed["status"] == "simulated"
    assert datetime.fromisoformat(listed["created_at"]).microsecond == 0
    gone = httpx.delete(f"{web.url}{PATH}/openai", headers=USER, trust_env=False)
    assert gone.json() == {"success": True, "provider": "openai", "message": "API key deleted"}
    assert json.loads(curl(web)) == {"providers": []}


def test_what_is_stored_is_sealed_and_four_characters_and_a_fingerprint(
    byok: Deployment, call: Call
) -> None:
    store(call)
    held = row(byok)
    assert "sk-test" not in str(held)
    assert held["encrypted_api_key"].startswith("gAAAA")
    assert (held["key_prefix"], held["key_suffix"]) == (None, "mnop")
    assert len(held["key_fingerprint"]) == 16
    assert held["created_ip"] == "127.0.0.1"


def test_storing_again_replaces_under_the_same_id_and_keeps_the_policies(
    byok: Deployment, call: Call
) -> None:
    first = store(call, use_policy="only", platform_fallback="always", name="mine")
    before = row(byok)
    second = store(call, api_key="sk-other-1234567890abcdefghijkl")
    after = row(byok)
    assert second["key_id"] == first["key_id"]
    assert after["encrypted_api_key"] != before["encrypted_api_key"]
    kept = ("use_policy", "platform_fallback", "key_name", "created_at")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert (after["key_suffix"], after["use_policy"]) == ("ijkl", "only")
    assert after["last_rotated_at"] is not None


def test_deleting_really_deletes(byok: Deployment, call: Call) -> None:
    store(call)
    assert call("DELETE", "/openai").status_code == 200
    with psycopg.connect(byok.database_url) as connection:
        left = connection.execute("SELECT count(*) FROM user_api_keys WHERE user_id = 'alice'")
        assert left.fetchone() == (0,)
    assert call("DELETE", "/openai").status_code == 404


def test_a_key_is_switched_off_and_on_and_told_when_to_be_used(call: Call) -> None:
    store(call)
    off = call("PATCH", "/openai", enabled=False, use_policy="last_resort").json()
    assert (off["enabled"], off["use_policy"]) == (False, "last_resort")
    on = call("PATCH", "/openai", enabled=True, platform_fallback="on_rate_limit").json()
    assert (on["enabled"], on["platform_fallback"]) == (True, "on_rate_limit")
    assert on["use_policy"] == "last_resort"
    assert call("PATCH", "/openai", enabled=None, name="mine").json() == {**on, "name": "mine"}
    [listed] = call("GET").json()["providers"]
    assert listed == {**on, "name": "mine"}


def test_a_change_that_changes_nothing_is_refused(call: Call) -> None:
    store(call)
    refused = call("PATCH", "/openai", enabled=None, use_policy=None)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "nothing_to_change")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        pytest.param({"provider": "nope", "api_key": KEY}, "provider", "unknown_provider", id="a"),
        pytest.param({"provider": "openai"}, None, "invalid_value", id="no key"),
        pytest.param({"provider": "openai", "api_key": "short"}, "api_key", None, id="short"),
        pytest.param({"provider": "openai", "api_key": KEY + "\nX: y"}, "api_key", None, id="nl"),
        pytest.param({"provider": "openai", "api_key": KEY + "ä"}, "api_key", None, id="umlaut"),
        pytest.param(
            {"provider": "openai", "api_key": KEY, "user_id": "bob"}, None, None, id="mass"
        ),
        pytest.param(
            {"provider": "openai", "api_key": KEY, "base_url": "http://evil"}, None, None, id="url"
        ),
        pytest.param(
            {"provider": "openai", "api_key": KEY, "use_policy": "never"}, None, None, id="policy"
        ),
    ],
)
def test_a_malformed_request_is_refused_by_its_field_and_repeats_no_key(
    call: Call, body: dict[str, Any], param: str | None, code: str | None
) -> None:
    answer = call("POST", **body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert param is None or error["param"] == param
    assert code is None or error["code"] == code
    assert KEY not in answer.text
    assert call("GET").json() == {"providers": []}


def test_blanks_around_a_pasted_key_are_not_part_of_it(call: Call) -> None:
    store(call, api_key=f"  {KEY}\n")
    [listed] = call("GET").json()["providers"]
    assert listed["masked_key"] == "***...mnop"


@pytest.mark.parametrize(
    ("provider", "key", "warning"),
    [
        ("openai", "key-1234567890abcdefghijklmnop", "does not look like a key of OpenAI."),
        ("groq", "fw_1234567890abcdefghijklmnop", "it looks like one of fireworks's."),
        ("openai", "sk-or-v1-" + "a" * 40, "it looks like one of openrouter's."),
        ("openai", "sk-invalid-1234567890abcdefghij", "OpenAI refused the key (HTTP 401)."),
    ],
)
def test_a_key_that_looks_wrong_is_stored_with_a_warning(
    call: Call, provider: str, key: str, warning: str
) -> None:
    assert warning in store(call, provider=provider, api_key=key)["warning"]
    assert [one["provider"] for one in call("GET").json()["providers"]] == [provider]


def test_a_test_asks_the_provider_and_says_what_it_said(byok: Deployment, call: Call) -> None:
    store(call, api_key="sk-invalid-1234567890abcdefghij")
    assert row(byok)["status"] == "invalid"
    told = call("POST", "/openai/test").json()
    assert (told["success"], told["status"]) == (False, "invalid")
    assert told["message"] == "OpenAI refused the key (HTTP 401)."
    store(call)
    told = call("POST", "/openai/test").json()
    assert (told["success"], told["status"]) == (True, "simulated")
    assert told["response_time_ms"] >= 0
    assert not row(byok)["is_validated"]


def test_every_change_is_audited_with_who_what_and_whence_and_no_key(
    byok: Deployment, call: Call
) -> None:
    begun = len(audited(byok))
    answer = call("POST", provider="openai", api_key=KEY)
    store(call)
    call("PATCH", "/openai", enabled=False)
    call("POST", "/openai/test")
    call("DELETE", "/openai")
    events = audited(byok)[begun:]
    assert [one["action"] for one in events] == [
        "user_key.stored",
        "user_key.replaced",
        "user_key.changed",
        "user_key.tested",
        "user_key.deleted",
    ]
    assert {(one["actor"], one["target_type"], one["address"]) for one in events} == {
        ("alice", "user_key", "127.0.0.1")
    }
    assert events[0]["request_id"] == answer.headers["x-request-id"]
    assert events[0]["fingerprint"]
    assert "1234567890" not in str(events)


def test_the_list_of_providers_says_where_a_caller_has_a_key_that_is_on(
    web: UvicornServer, call: Call, alice: Mapping[str, str], bob: Mapping[str, str]
) -> None:
    def owned(headers: Mapping[str, str]) -> set[str]:
        url = f"{web.url}/api/v1/llm/providers"
        listed = httpx.get(url, headers=headers, trust_env=False).json()["data"]
        return {one["provider"] for one in listed if one["has_own_key"]}

    store(call)
    store(call, "groq", "gsk_test-1234567890abcdefghijklmnop")
    assert (owned(alice), owned(bob)) == ({"openai", "groq"}, set())
    call("PATCH", "/openai", enabled=False)
    assert owned(alice) == {"groq"}


def test_the_list_of_models_says_which_a_caller_can_use_with_a_key_of_their_own(
    byok: Deployment, call: Call, alice: Mapping[str, str], bob: Mapping[str, str]
) -> None:
    store(call)
    unpaid = {**byok.environment, "SWITCHYARD_SIMULATED_PROVIDER_URL": ""}
    with UvicornServer("functions.models.app:app", ready="/readyz", environment=unpaid) as models:

        def get(path: str, headers: Mapping[str, str]) -> Any:
            return httpx.get(models.url + path, headers=headers, trust_env=False).json()

        def usable(headers: Mapping[str, str]) -> set[str]:
            listed = get("/v1/models", headers)["data"]
            return {model.get("provider", "a level") for model in listed if model["usable"]}

        assert (usable(alice), usable(bob)) == ({"openai", "a level"}, set())
        assert get("/v1/models/gpt-6.1-terra", alice)["usable"]


def test_another_users_key_is_not_there(call: Call, bob: Mapping[str, str]) -> None:
    store(call)
    assert call("GET", headers=bob).json() == {"providers": []}
    for method, path, body in (
        ("PATCH", "/openai", {"enabled": False}),
        ("DELETE", "/openai", {}),
        ("POST", "/openai/test", {}),
    ):
        answer = call(method, path, headers=bob, **body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "key_not_found")
    [still] = call("GET").json()["providers"]
    assert still["enabled"]


def test_a_key_is_sealed_to_where_its_provider_was_moved_a_moment_ago(
    byok: Deployment, web: UvicornServer, alice: Mapping[str, str], call: Call
) -> None:
    move = "UPDATE llm_providers SET base_url = %s, provider_name = %s WHERE provider_slug = %s"
    with psycopg.connect(byok.database_url, autocommit=True) as connection:
        before = connection.execute(
            "SELECT base_url, provider_name FROM llm_providers WHERE provider_slug = 'together'"
        ).fetchone()
        assert before is not None
        connection.execute(move, ("https://elsewhere.example/v1", "Moved", "together"))
        try:
            store(call, provider="together")
            wait_until(lambda: "Moved" in names_of_providers(web, alice))
            tested = call("POST", "/together/test")
        finally:
            connection.execute(move, (*before, "together"))
    assert (tested.status_code, tested.json().get("success")) == (200, True), tested.text


def names_of_providers(web: UvicornServer, headers: Mapping[str, str]) -> set[str]:
    url = f"{web.url}/api/v1/llm/providers"
    listed = httpx.get(url, headers=dict(headers), trust_env=False).json()
    return {one["name"] for one in listed["data"]}


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)
