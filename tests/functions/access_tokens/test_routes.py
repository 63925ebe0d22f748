"""Tokens made, limited, changed, rotated and revoked over HTTP."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import is_well_formed
from tests.fakes.gateway import ADMIN, Deployment
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/api/v1/admin/llm/access-tokens"
Call = Callable[..., httpx.Response]


@pytest.fixture
def call(gateway: UvicornServer) -> Call:
    def send(method: str, path: str = "", token: str | None = None, **body: Any) -> httpx.Response:
        headers = ADMIN if token is None else {"authorization": f"Bearer {token}"}
        json = body if method in ("POST", "PATCH") else None
        return httpx.request(
            method, gateway.url + PATH + path, headers=headers, json=json, trust_env=False
        )

    return send


def make(call: Call, **more: Any) -> Any:
    answer = call("POST", user_id="uma", tier="starter", **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def lets_in(gateway: UvicornServer, token: str, path: str = "/v1/models") -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(gateway.url + path, headers=headers, trust_env=False).status_code


def test_a_token_is_shown_once_and_lets_its_user_in(gateway: UvicornServer, call: Call) -> None:
    made = make(call, name="laptop", allowed_models=["gpt-6.1-terra"])
    assert is_well_formed(made["token"])
    assert lets_in(gateway, made["token"]) == 200
    shown = call("GET", f"/{made['id']}").json()
    assert shown == {name: value for name, value in made.items() if name != "token"}
    assert (shown["state"], shown["created_by"], shown["name"]) == ("valid", "admin", "laptop")
    assert shown["masked_token"] == f"{made['token'][:7]}...{made['token'][-4:]}"


def test_a_token_may_not_be_given_more_than_its_maker_has(call: Call) -> None:
    limited = make(call, role="admin", scopes=["admin", "usage"])["token"]
    inherited = call("POST", token=limited, user_id="uma", tier="free").json()
    assert inherited["scopes"] == ["admin", "usage"]
    asked: list[dict[str, Any]] = [{"scopes": ["keys"]}, {"scopes": []}]
    for more in asked:
        answer = call("POST", token=limited, user_id="uma", tier="free", **more)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "scope_not_allowed"
    wide = make(call)["id"]
    assert call("PATCH", f"/{wide}", token=limited, role="admin").status_code == 403
    assert call("POST", f"/{wide}/rotate", token=limited).status_code == 403
    assert call("PATCH", f"/{inherited['id']}", token=limited, scopes=["usage"]).status_code == 200


def test_a_change_is_in_force_at_once_here(gateway: UvicornServer, call: Call) -> None:
    made = make(call)
    audit = "/api/v1/admin/llm/audit"
    assert lets_in(gateway, made["token"], audit) == 403
    changed = call("PATCH", f"/{made['id']}", role="admin", team_id="t").json()
    assert (changed["role"], changed["team_id"], changed["tier"]) == ("admin", "t", "starter")
    assert lets_in(gateway, made["token"], audit) == 200
    assert call("PATCH", f"/{made['id']}", team_id=None).json()["team_id"] is None


def test_a_rotated_token_overlaps_and_one_that_leaked_does_not(
    gateway: UvicornServer, call: Call
) -> None:
    first = make(call)
    second = call("POST", f"/{first['id']}/rotate").json()
    old = call("GET", f"/{first['id']}").json()
    ends = datetime.fromisoformat(old["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < ends <= timedelta(hours=24)
    assert old["rotated_to"] == second["id"]
    assert [lets_in(gateway, one["token"]) for one in (first, second)] == [200, 200]
    assert call("POST", f"/{first['id']}/rotate").json()["error"]["code"] == "token_ended"
    third = call("POST", f"/{second['id']}/rotate", overlap_hours=0).json()
    assert [lets_in(gateway, one["token"]) for one in (second, third)] == [401, 200]


def test_a_revoked_token_is_refused_by_every_process_within_five_seconds(
    deployment: Deployment, gateway: UvicornServer, call: Call
) -> None:
    made = make(call)
    with deployment.web("functions.models.app:app") as other:
        assert [lets_in(web, made["token"]) for web in (gateway, other)] == [200, 200]
        assert call("DELETE", f"/{made['id']}").json()["state"] == "revoked"
        began = time.monotonic()
        while lets_in(other, made["token"]) != 401:
            assert time.monotonic() - began < 5
            time.sleep(0.05)
        assert lets_in(gateway, made["token"]) == 401


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"tier": "starter"}, None, id="no user"),
        pytest.param({"user_id": "u", "tier": "golden"}, None, id="tier"),
        pytest.param({"user_id": "u", "tier": "free", "scopes": ["all"]}, None, id="scope"),
        pytest.param({"user_id": "u", "tier": "free", "token_digest": "00"}, None, id="own text"),
        pytest.param({"user_id": "u", "tier": "free", "allowed_routes": ["/*"]}, None, id="routes"),
        pytest.param(
            {"user_id": "u", "tier": "free", "expires_at": "2020-01-01T00:00:00Z"},
            "expires_at",
            id="ended",
        ),
        pytest.param(
            {"user_id": "u", "tier": "free", "expires_at": "2099-01-01T00:00:00"}, None, id="zone"
        ),
    ],
)
def test_a_malformed_wish_is_refused(call: Call, body: dict[str, Any], param: str | None) -> None:
    answer = call("POST", **body)
    assert answer.status_code == 400, answer.text
    assert param is None or answer.json()["error"]["param"] == param


def test_tokens_are_listed_page_by_page(call: Call) -> None:
    made = [make(call)["id"] for _ in range(3)]
    seen: list[int] = []
    query = "?user_id=uma&limit=2"
    while query:
        page = call("GET", query).json()
        assert page["object"] == "list"
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        query = f"?user_id=uma&limit=2&cursor={cursor}" if cursor else ""
    assert seen == sorted(set(seen))
    assert seen[-3:] == made
    for wrong in ("?cursor=x", "?limit=0", "?limit=1001", "?cursor=99999999999999999999"):
        assert call("GET", wrong).status_code == 400


def test_a_token_that_is_not_there_is_404(call: Call) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        body = {"name": "x"} if method == "PATCH" else {}
        assert call(method, f"/999999{path}", **body).status_code == 404


def test_each_change_is_audited_and_the_trail_is_read_by_action(
    gateway: UvicornServer, call: Call
) -> None:
    made = make(call)
    call("PATCH", f"/{made['id']}", name="n")
    call("POST", f"/{made['id']}/rotate")
    call("DELETE", f"/{made['id']}")
    query = f"?target_type=access_token&target_id={made['id']}&action=token.*"
    url = gateway.url + "/api/v1/admin/llm/audit" + query
    listed = httpx.get(url, headers=ADMIN, trust_env=False).json()
    assert [one["action"] for one in listed["data"]] == [
        "token.revoked",
        "token.rotated",
        "token.changed",
        "token.created",
    ]
    assert made["token"] not in str(listed)
    first = httpx.get(url + "&limit=3", headers=ADMIN, trust_env=False).json()
    rest = httpx.get(
        f"{url}&limit=3&cursor={first['next_cursor']}", headers=ADMIN, trust_env=False
    ).json()
    assert first["data"] + rest["data"] == listed["data"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("x-api-key", "test-user-token")], 200, id="as Anthropic's clients send it"),
        pytest.param(
            [("x-api-key", "test-user-token"), ("authorization", "Bearer test-user-token")],
            200,
            id="twice the same",
        ),
        pytest.param(
            [("x-api-key", "test-user-token"), ("authorization", "Bearer admin-token")],
            400,
            id="two that differ",
        ),
        pytest.param(
            [("authorization", "Bearer test-user-token"), ("authorization", "Bearer admin-token")],
            400,
            id="two of one kind",
        ),
        pytest.param([("x-api-key", "nobody")], 401, id="unknown"),
    ],
)
def test_there_is_one_credential_or_the_request_is_refused(
    gateway: UvicornServer, headers: list[tuple[str, str]], status: int
) -> None:
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    for send in (
        lambda: httpx.get(gateway.url + "/v1/models", headers=headers, trust_env=False),
        lambda: httpx.post(
            gateway.url + "/v1/chat/completions", headers=headers, json=body, trust_env=False
        ),
    ):
        answer = send()
        assert answer.status_code == status, answer.text
        if status == 400:
            assert answer.json()["error"]["code"] == "conflicting_credentials"


def test_the_table_holds_no_text_of_a_token(deployment: Deployment, call: Call) -> None:
    token = make(call)["token"]
    with psycopg.connect(deployment.database_url) as connection:
        rows = connection.execute("SELECT t::text FROM access_tokens t").fetchall()
    assert token not in str(rows)


def test_made_up_headers_are_answered_401_and_nothing_else(gateway: UvicornServer) -> None:
    made_up = random.Random(7)
    visible = [byte for byte in range(0x21, 0xFF) if byte != 0x7F]
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    statuses: set[int] = set()
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        for number in range(300):
            value = bytes(made_up.choices(visible, k=made_up.randrange(1, 120)))
            headers = [(b"authorization", (b"Bearer " if number % 2 else b"") + value)]
            if number % 3:
                answer = client.post("/v1/chat/completions", headers=headers, json=body)
            else:
                answer = client.get("/api/v1/llm/byok/keys", headers=headers)
            statuses.add(answer.status_code)
    assert statuses == {401}
