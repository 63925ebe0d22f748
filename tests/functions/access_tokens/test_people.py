"""Users are blocked, teams have members and admins of their own, and users make tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import ADMIN, Deployment
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

Call = Callable[..., httpx.Response]
OWN = "/api/v1/llm/tokens"
ROOT = "/api/v1/admin/llm"


@pytest.fixture
def call(gateway: UvicornServer) -> Call:
    def send(
        method: str, path: str, token: str | None = None, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = ADMIN if token is None else {"authorization": f"Bearer {token}"}
        return httpx.request(
            method, gateway.url + path, headers=headers, json=body, trust_env=False, timeout=20
        )

    return send


@pytest.fixture
def token_of(deployment: Deployment) -> Callable[..., tuple[str, int]]:
    def make(user_id: str, team_id: str | None = None, **more: Any) -> tuple[str, int]:
        token = mint()
        values = {"name": user_id, "tier": "starter", "role": "user", **more}
        with psycopg.connect(deployment.database_url, autocommit=True) as connection:
            made = create_token(connection, token=token, user_id=user_id, team_id=team_id, **values)
        return token, made

    return make


def status(call: Call, token: str) -> int:
    return call("GET", "/v1/models", token).status_code


def status_when(call: Call, token: str, expected: int) -> int:
    ends = time.monotonic() + 10
    while (got := status(call, token)) != expected and time.monotonic() < ends:
        time.sleep(0.05)
    return got


def made(answer: httpx.Response) -> Any:
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_user_makes_lists_and_revokes_tokens(call: Call, token_of: Any) -> None:
    token, _ = token_of("maker", "crew")
    own = made(call("POST", OWN, token, {"name": "laptop"}))
    assert (own["user_id"], own["team_id"], own["tier"]) == ("maker", "crew", "starter")
    assert (own["role"], own["name"]) == ("user", "laptop")
    assert status(call, own["token"]) == 200
    listed = call("GET", OWN, token).json()["data"]
    assert own["id"] in [one["id"] for one in listed]
    assert {one["user_id"] for one in listed} == {"maker"}
    assert own["token"] not in call("GET", OWN, token).text
    assert call("DELETE", f"{OWN}/{own['id']}", token).json()["state"] == "revoked"
    assert status_when(call, own["token"], 401) == 401
    assert status(call, token) == 200


@pytest.mark.parametrize(
    ("own", "asked", "param"),
    [
        ({"scopes": ["keys"]}, {"scopes": ["usage"]}, "scopes"),
        ({"scopes": ["keys"]}, {"scopes": []}, "scopes"),
        ({"allowed_models": ["eco"]}, {"allowed_models": ["balanced"]}, "allowed_models"),
        ({"allowed_models": ["gpt-6*"]}, {"allowed_models": ["gpt-*"]}, "allowed_models"),
        ({"allowed_models": ["openai/*"]}, {"allowed_models": ["openai/gpt-4o"]}, "allowed_models"),
        ({"allowed_models": ["eco"]}, {"allowed_models": ["*"]}, "allowed_models"),
        (
            {"expires_at": datetime.now(UTC) + timedelta(hours=1)},
            {"expires_at": "2999-01-01T00:00:00Z"},
            "expires_at",
        ),
        ({}, {"team_id": "anothers"}, "team_id"),
    ],
)
def test_nobody_makes_a_token_that_may_more_than_their_own(
    call: Call, token_of: Any, own: dict[str, Any], asked: dict[str, Any], param: str
) -> None:
    token, _ = token_of("limited", **own)
    answer = call("POST", OWN, token, asked)
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("field", ["user_id", "tier", "role"])
def test_a_user_names_no_other_user_tier_or_role(call: Call, token_of: Any, field: str) -> None:
    token, _ = token_of("limited")
    assert call("POST", OWN, token, {field: "admin"}).status_code == 400


def test_what_is_not_said_is_as_in_ones_own_token(call: Call, token_of: Any) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    token, _ = token_of("heir", scopes=["keys"], allowed_models=["gpt-6*"], expires_at=end)
    own = made(call("POST", OWN, token, {}))
    assert (own["scopes"], own["allowed_models"]) == (["keys"], ["gpt-6*"])
    assert own["expires_at"][:16] == end.isoformat()[:16]
    narrower = made(call("POST", OWN, token, {"allowed_models": ["gpt-6.1*"]}))
    assert narrower["allowed_models"] == ["gpt-6.1*"]


def test_a_token_ends_with_the_one_it_was_made_with(call: Call, token_of: Any) -> None:
    first, first_id = token_of("chain")
    second = made(call("POST", OWN, first, {}))["token"]
    third = made(call("POST", OWN, second, {}))["token"]
    assert (status(call, second), status(call, third)) == (200, 200)
    call("DELETE", f"{ROOT}/access-tokens/{first_id}")
    for token in (first, second, third):
        assert status_when(call, token, 401) == 401


def test_a_token_with_a_limit_of_its_own_makes_none(call: Call, token_of: Any) -> None:
    token, token_id = token_of("metered")
    limit = {"scope": "token", "subject": str(token_id), "requests_per_minute": 5}
    row = made(call("POST", f"{ROOT}/limits", None, limit))
    answer = call("POST", OWN, token, {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "token_limited")
    call("DELETE", f"{ROOT}/limits/{row['id']}")


def test_another_users_token_is_not_there(call: Call, token_of: Any) -> None:
    token, _ = token_of("one")
    other, other_id = token_of("two")
    assert call("DELETE", f"{OWN}/{other_id}", token).status_code == 404
    assert status(call, other) == 200


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_blocked_user_is_refused_with_every_token(
    call: Call, token_of: Any, deployment: Deployment, by_hand: bool
) -> None:
    user = f"mallory-{by_hand}/x@y"
    tokens = [token_of(user)[0] for _ in range(2)]
    assert [status(call, token) for token in tokens] == [200, 200]
    if by_hand:
        with psycopg.connect(deployment.database_url, autocommit=True) as connection:
            connection.execute("INSERT INTO users (user_id, is_blocked) VALUES (%s, true)", (user,))
    else:
        answer = call("PATCH", f"{ROOT}/users/{user}", None, {"is_blocked": True})
        assert (answer.status_code, answer.json()["is_blocked"]) == (200, True)
    assert [status_when(call, token, 401) for token in tokens] == [401, 401]
    call("PATCH", f"{ROOT}/users/{user}", None, {"is_blocked": False}).raise_for_status()
    assert [status_when(call, token, 200) for token in tokens] == [200, 200]


def test_a_team_has_members_and_an_admin_of_its_own(call: Call, token_of: Any) -> None:
    made(call("POST", f"{ROOT}/teams", None, {"name": "Red Pandas"}))
    lead, _ = token_of("lead")
    member, _ = token_of("member")
    url = f"{ROOT}/teams/red-pandas"
    assert call("PUT", f"{url}/members/member", lead, {}).status_code == 403
    call("PUT", f"{url}/members/lead", None, {"is_admin": True}).raise_for_status()
    call("PUT", f"{url}/members/member", lead, {}).raise_for_status()
    assert [one["user_id"] for one in call("GET", url, lead).json()["members"]] == [
        "lead",
        "member",
    ]
    assert call("GET", url, member).status_code == 403
    assert call("PUT", f"{url}/members/friend", member, {}).status_code == 403
    assert call("PATCH", url, lead, {"is_active": False}).status_code == 403
    of_team = made(call("POST", OWN, member, {"team_id": "red-pandas"}))["token"]
    assert call("DELETE", url).json()["error"]["code"] == "team_in_use"
    call("PATCH", url, None, {"is_active": False}).raise_for_status()
    assert status_when(call, of_team, 401) == 401
    call("PATCH", url, None, {"is_active": True}).raise_for_status()
    assert status_when(call, of_team, 200) == 200
    call("DELETE", f"{url}/members/member", lead).raise_for_status()
    assert status_when(call, of_team, 401) == 401
    assert status(call, member) == 200
    assert call("DELETE", url).status_code == 200
    assert call("GET", url).status_code == 404


def test_people_who_change_people_are_in_the_audit_trail(call: Call) -> None:
    call("POST", f"{ROOT}/teams", None, {"name": "Audited"})
    call("PATCH", f"{ROOT}/users/audited", None, {"is_blocked": True})
    events = call("GET", f"{ROOT}/audit?limit=20").json()["data"]
    actions = {(one["action"], one["target_id"]) for one in events}
    assert {("team.created", "audited"), ("user.blocked", "audited")} <= actions
