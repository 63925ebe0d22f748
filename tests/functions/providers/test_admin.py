"""An admin adds, changes, tests and deletes providers; a key never follows to another host."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from shared.wire.providers import SEEDS
from tests.fakes.admin import Admin, audited, eventually, refusal
from tests.fakes.gateway import Deployment, ask
from tests.fakes.raw_server import RawServer, Wire, answers_always
from tests.fakes.uvicorn_server import UvicornServer

_numbers = itertools.count(1)
PLAIN = {"provider": "x", "base_url": "https://a.example"}
_ALIVE = b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data":[]}'


@pytest.fixture
def admin(changing_gateway: UvicornServer) -> Admin:
    return Admin(changing_gateway.url)


@pytest.fixture
def slug() -> str:
    return f"custom-{next(_numbers)}"


def add(admin: Admin, slug: str, **fields: Any) -> dict[str, Any]:
    fields = {"base_url": "https://llm.example.com/v1", **fields}
    answer = admin("POST", "/providers", provider=slug, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def local(admin: Admin, slug: str) -> Iterator[RawServer]:
    """A server of the operator's own, added as a provider that asks for no key."""
    with RawServer(answers_always(_ALIVE)) as server:
        add(admin, slug, base_url=f"{server.url}/v1", is_local=True, auth_type="none")
        yield server


def test_a_provider_is_made_read_changed_and_deleted(
    admin: Admin, slug: str, changing_deployment: Deployment
) -> None:
    made = add(admin, slug, name=f"My {slug}")
    assert made["auth_type"] == "bearer"
    assert made["is_active"] is True
    assert admin("GET", f"/providers/{slug}").json() == made
    listed = admin("GET", "/providers").json()
    assert listed["object"] == "list"
    assert listed["next_cursor"] is None
    assert [one["provider"] for one in listed["data"]][: len(SEEDS)] == list(SEEDS)
    changed = admin("PATCH", f"/providers/{slug}", is_active=False, description=None).json()
    assert (changed["is_active"], changed["description"]) == (False, None)
    assert admin("DELETE", f"/providers/{slug}").json() == {"provider": slug, "deleted": True}
    assert refusal(admin("GET", f"/providers/{slug}")) == (404, "provider_not_found", "provider")
    trail = audited(changing_deployment.database_url, "provider", slug)
    assert [one["action"] for one in trail] == [
        *("provider.created", "provider.changed", "provider.deleted")
    ]
    assert {one["actor"] for one in trail} == {"admin"}
    assert trail[1]["details"]["changes"] == {"is_active": False, "description": None}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"base_url": "https://a.example/v1"}, "provider"),
        ({"provider": "Not A Slug", "base_url": "https://a.example/v1"}, "provider"),
        ({"provider": "x"}, "base_url"),
        ({"provider": "x", "base_url": 5}, "base_url"),
        ({**PLAIN, "dialect": "gopher"}, "dialect"),
        (
            {**PLAIN, "health_status": "up"},
            "health_status",
        ),
        ({**PLAIN, "encrypted_system_key": "k"}, None),
        ({**PLAIN, "is_system_provider": True}, None),
        (
            {**PLAIN, "rate_limit_rpm": -1},
            "rate_limit_rpm",
        ),
        (
            {
                "provider": "x",
                "base_url": "https://a.example",
                "pricing_url": "javascript:alert(1)",
            },
            "pricing_url",
        ),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(
    admin: Admin, body: dict[str, Any], param: str | None
) -> None:
    status, code, at_fault = refusal(admin("POST", "/providers", **body))
    assert (status, code) == (400, "invalid_value")
    assert at_fault == (param or list(body)[-1])


NOT_USED = {
    "supports_streaming": False,
    "supports_function_calling": False,
    "supports_vision": True,
    "rate_limit_rpm": 60,
    "rate_limit_tpm": 90_000,
    "rate_limit_rpd": 5_000,
}


@pytest.mark.parametrize("name", NOT_USED)
def test_a_setting_that_nothing_reads_is_refused_by_name(
    admin: Admin, slug: str, name: str
) -> None:
    body = {"provider": slug, "base_url": "https://a.example/v1", name: NOT_USED[name]}
    assert refusal(admin("POST", "/providers", **body)) == (400, "setting_not_used", name)
    made = add(admin, slug)
    changed = admin("PATCH", f"/providers/{slug}", **{name: NOT_USED[name]})
    assert refusal(changed) == (400, "setting_not_used", name)
    assert admin("GET", f"/providers/{slug}").json() == made


def test_what_a_row_already_has_can_be_sent_back(
    admin: Admin, slug: str, changing_deployment: Deployment
) -> None:
    add(admin, slug)
    with psycopg.connect(changing_deployment.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_providers SET rate_limit_rpm = 7, supports_vision = true"
            " WHERE provider_slug = %s",
            [slug],
        )
    held = admin("GET", f"/providers/{slug}").json()
    assert (held["rate_limit_rpm"], held["supports_vision"]) == (7, True)
    same = admin("PATCH", f"/providers/{slug}", **{name: held[name] for name in NOT_USED})
    assert {**same.json(), "updated_at": held["updated_at"]} == held
    cleared = admin("PATCH", f"/providers/{slug}", rate_limit_rpm=None)
    assert cleared.json()["rate_limit_rpm"] is None


def test_a_slug_is_taken_once(admin: Admin) -> None:
    answer = admin("POST", "/providers", provider="openai", base_url="https://a.example/v1")
    assert refusal(answer)[:2] == (409, "taken")


def test_one_of_the_seven_is_switched_off_not_deleted(admin: Admin) -> None:
    assert refusal(admin("DELETE", "/providers/openai"))[:2] == (409, "system_provider")


def test_an_empty_change_and_an_unknown_provider_are_told(admin: Admin) -> None:
    assert refusal(admin("PATCH", "/providers/openai", remove_keys=True))[2] == "body"
    assert refusal(admin("PATCH", "/providers/nobody", is_active=True))[0] == 404
    assert refusal(admin("POST", "/providers/nobody/test"))[0] == 404


def test_only_an_admin_may(admin: Admin) -> None:
    for method, path in [("GET", ""), ("POST", ""), ("GET", "/openai"), ("PATCH", "/openai")]:
        assert admin.as_user(method, f"/providers{path}").status_code == 403
    assert admin.as_user("DELETE", "/providers/openai").status_code == 403
    assert admin.as_user("POST", "/providers/openai/test").status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"])
def test_the_gateways_own_services_are_no_provider(
    admin: Admin, changing_deployment: Deployment, host: str
) -> None:
    for service in ("DATABASE_URL", "REDIS_URL"):
        port = urlsplit(changing_deployment.environment[service]).port
        url = f"http://{host}:{port}/v1"
        answer = admin("POST", "/providers", provider="own", base_url=url, is_local=True)
        assert refusal(answer) == (400, "base_url_refused", "base_url"), url


class TestAKeyIsSealedToItsHost:
    @pytest.fixture(params=["a user's key", "a platform key"])
    def sealed(
        self,
        request: pytest.FixtureRequest,
        admin: Admin,
        slug: str,
        changing_deployment: Deployment,
    ) -> str:
        made = add(admin, slug)
        with psycopg.connect(changing_deployment.database_url, autocommit=True) as connection:
            if request.param == "a user's key":
                connection.execute(
                    "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)"
                    " VALUES ('alice', %s, 'sealed')",
                    [made["id"]],
                )
            else:
                connection.execute(
                    "UPDATE llm_providers SET encrypted_system_key = 'sealed' WHERE id = %s",
                    [made["id"]],
                )
        return slug

    def test_another_host_is_refused_while_there_is_one(self, admin: Admin, sealed: str) -> None:
        answer = admin("PATCH", f"/providers/{sealed}", base_url="https://evil.example.com/v1")
        assert refusal(answer) == (422, "provider_key_host_changed", "base_url")
        row = admin("GET", f"/providers/{sealed}").json()
        assert row["base_url"] == "https://llm.example.com/v1"

    def test_another_path_and_port_of_the_same_host_are_not(
        self, admin: Admin, sealed: str
    ) -> None:
        url = "https://llm.example.com:8443/api/v2"
        answer = admin("PATCH", f"/providers/{sealed}", base_url=url)
        assert answer.json()["base_url"] == url

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"base_url": "http://llm.example.com/v1", "is_local": True}, id="http"),
            pytest.param(
                {"base_url": "http://llm.example.com:443/v1", "is_local": True}, id="http at 443"
            ),
            pytest.param({"base_url": "http://127.0.0.1:9/v1", "is_local": True}, id="here"),
        ],
    )
    def test_plain_http_is_another_place_though_the_host_is_the_same(
        self, admin: Admin, sealed: str, change: dict[str, object]
    ) -> None:
        answer = admin("PATCH", f"/providers/{sealed}", **change)
        assert refusal(answer) == (422, "provider_key_host_changed", "base_url")
        assert admin("PATCH", f"/providers/{sealed}", **change, remove_keys=True).json()["is_local"]

    def test_the_port_of_a_local_one_is_part_of_its_place(self, admin: Admin, sealed: str) -> None:
        url = "https://llm.example.com/v1"
        local = admin("PATCH", f"/providers/{sealed}", base_url=url, is_local=True)
        assert local.json()["is_local"], local.text
        for other in ("https://llm.example.com:8443/v1", "http://llm.example.com:443/v1"):
            answer = admin("PATCH", f"/providers/{sealed}", base_url=other)
            assert refusal(answer) == (422, "provider_key_host_changed", "base_url"), other
        assert admin("PATCH", f"/providers/{sealed}", is_local=False).status_code == 200

    def test_it_goes_where_the_admin_says_so(
        self, admin: Admin, sealed: str, changing_deployment: Deployment
    ) -> None:
        url = "https://other.example.com/v1"
        row = admin("PATCH", f"/providers/{sealed}", base_url=url, remove_keys=True).json()
        assert (row["base_url"], row["user_keys"], row["has_system_key"]) == (url, 0, False)
        trail = audited(changing_deployment.database_url, "provider", sealed)
        assert trail[-1]["details"]["changes"] == {"base_url": url}

    def test_its_provider_is_not_deleted(self, admin: Admin, sealed: str) -> None:
        assert refusal(admin("DELETE", f"/providers/{sealed}"))[:2] == (409, "provider_in_use")


def test_a_local_server_is_asked_at_its_free_endpoint(
    admin: Admin, slug: str, local: RawServer
) -> None:
    told = admin("POST", f"/providers/{slug}/test").json()
    assert (told["is_reachable"], told["status"], told["key"]) == (True, 200, "none")
    (asked,) = local.requests
    assert asked.startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"authorization" not in asked.lower()


def test_it_is_not_called_once_it_is_not_local_any_more(
    admin: Admin, slug: str, local: RawServer
) -> None:
    answer = admin("PATCH", f"/providers/{slug}", is_local=False)
    assert refusal(answer) == (400, "base_url_refused", "base_url")


def test_one_that_nobody_answers_for_is_told_so(admin: Admin, slug: str) -> None:
    add(admin, slug, base_url="http://127.0.0.1:9/v1", is_local=True)
    told = admin("POST", f"/providers/{slug}/test").json()
    assert (told["is_reachable"], told["status"]) == (False, None)
    assert told["detail"] == "no connection could be made"


def test_the_key_of_a_simulated_provider_is_not_named_valid(admin: Admin) -> None:
    told = admin("POST", "/providers/groq/test").json()
    assert (told["status"], told["key"], told["error"]) == (200, "simulated", None)


async def _completes(wire: Wire) -> None:
    body = (
        b'{"id":"c","object":"chat.completion","created":1,"model":"llama","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"local"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
    )
    while True:
        await wire.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await wire.send(head % len(body) + body)


def test_a_custom_provider_answers_completions_and_stands_for_privacy(
    admin: Admin, slug: str, changing_gateway: UvicornServer
) -> None:
    with RawServer(_completes) as server:
        add(admin, slug, base_url=f"{server.url}/v1", is_local=True, auth_type="none")
        model = admin("POST", "/models", provider=slug, model_id="llama")
        assert model.status_code == 201, model.text
        name = f"{slug}/llama"
        assert eventually(lambda: ask(changing_gateway.url, model=name).status_code == 200)
        server.requests.clear()
        answer = ask(changing_gateway.url, model=name, privacy_required=True)
        assert answer.json()["choices"][0]["message"]["content"] == "local"
        assert answer.json()["_metadata"]["simulated"] is False
        (asked,) = server.requests
        assert asked.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert b"authorization" not in asked.partition(b"\r\n\r\n")[0].lower()
        admin("PATCH", f"/providers/{slug}", is_active=False)
        assert eventually(lambda: ask(changing_gateway.url, model=name).status_code == 404)
