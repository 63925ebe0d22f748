"""Users rotate tokens of their own, and gain nothing by it: no scope, model, tier, team or day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

OWN = "/api/v1/llm/tokens"
SOON = datetime.now(UTC) + timedelta(hours=1)


class Place:
    def __init__(self, deployment: Deployment, gateway: UvicornServer) -> None:
        self._database_url = deployment.database_url
        self._url = gateway.url

    def token(self, user_id: str, team_id: str | None = None, **more: Any) -> tuple[str, int]:
        token = mint()
        values: dict[str, Any] = {"name": "one", "tier": "starter", "role": "user", **more}
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            return token, create_token(
                connection, token=token, user_id=user_id, team_id=team_id, **values
            )

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(statement, values)  # type: ignore[arg-type]

    def rotate(self, token: str, token_id: int, **body: Any) -> httpx.Response:
        return httpx.post(
            f"{self._url}{OWN}/{token_id}/rotate",
            headers={"authorization": f"Bearer {token}"},
            json=body,
            trust_env=False,
            timeout=20,
        )


@pytest.fixture
def place(deployment: Deployment, gateway: UvicornServer) -> Place:
    return Place(deployment, gateway)


def test_a_token_is_rotated_and_both_go_on_for_a_while(place: Place) -> None:
    token, token_id = place.token("rotor", scopes=["keys"], allowed_models=["eco"])
    answer = place.rotate(token, token_id)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["scopes"], made["allowed_models"]) == (["keys"], ["eco"])
    again = place.rotate(made["token"], made["id"], overlap_hours=0)
    assert again.status_code == 201, again.text


def test_a_token_that_ends_is_not_made_to_last_by_rotation(place: Place) -> None:
    token, token_id = place.token("lasting", expires_at=SOON)
    place.execute(
        "UPDATE access_tokens SET created_at = now() - interval '30 days' WHERE id = %s", token_id
    )
    made = place.rotate(token, token_id).json()
    assert made["expires_at"][:19] == SOON.isoformat()[:19]


@pytest.mark.parametrize(
    ("own", "other", "code"),
    [
        ({"scopes": ["keys"]}, {}, "scope_not_allowed"),
        ({"allowed_models": ["eco"]}, {}, "token_not_allowed"),
        ({"allowed_models": ["eco"]}, {"allowed_models": ["*"]}, "token_not_allowed"),
        ({"expires_at": SOON}, {}, "token_not_allowed"),
        ({}, {"tier": "enterprise"}, "token_not_allowed"),
        ({}, {"role": "admin"}, "token_not_allowed"),
        ({}, {"team_id": "anothers"}, "token_not_allowed"),
    ],
)
def test_a_token_that_may_less_hands_out_none_that_may_more(
    place: Place, own: dict[str, Any], other: dict[str, Any], code: str
) -> None:
    token, _ = place.token("climber", **own)
    _, other_id = place.token("climber", **other)
    answer = place.rotate(token, other_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)


@pytest.mark.parametrize("is_limited", ["own", "other"])
def test_rotation_is_no_way_around_a_tokens_limit(place: Place, is_limited: str) -> None:
    token, token_id = place.token("metered")
    _, other_id = place.token("metered")
    place.execute(
        "INSERT INTO limits (scope, subject, requests_per_minute) VALUES ('token', %s, 600)",
        str(token_id if is_limited == "own" else other_id),
    )
    answer = place.rotate(token, other_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "token_limited")


def test_another_users_token_is_not_there(place: Place) -> None:
    token, _ = place.token("one")
    _, other_id = place.token("two")
    assert place.rotate(token, other_id).status_code == 404


def test_a_rotated_token_has_every_column_of_its_limit(place: Place) -> None:
    """By an admin: a soft limit that came out hard refused what it had let pass."""
    _, token_id = place.token("soft")
    columns = "is_soft, on_budget, counts_byok, time_zone, budget_day_usd"
    place.execute(
        f"INSERT INTO limits (scope, subject, {columns})"
        " VALUES ('token', %s, true, 'step_down', true, 'Europe/Berlin', 5)",
        str(token_id),
    )
    admin, _ = place.token("chief", role="admin")
    answer = httpx.post(
        f"{place._url}/api/v1/admin/llm/access-tokens/{token_id}/rotate",
        headers={"authorization": f"Bearer {admin}"},
        json={},
        trust_env=False,
    )
    with psycopg.connect(place._database_url) as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM limits WHERE scope = 'token' AND subject IN (%s, %s)",  # type: ignore[arg-type]
            (str(token_id), str(answer.json()["id"])),
        ).fetchall()
    assert len(rows) == 2
    assert rows[0] == rows[1]
