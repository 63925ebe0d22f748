"""Two teams: nothing of one is seen by the other, over every route that reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from shared.ledger.rows import write_batch
from tests.fakes.gateway import ADMIN, Deployment
from tests.fakes.tokens import create_token
from tests.fakes.usage_records import final
from tests.fakes.uvicorn_server import UvicornServer
from tests.functions.route_table import ALL, BYOK, KEY, OWN_TOKENS, ROUTES, TEAMS

MARK = "zulu"
"""Is in the name of everything that the second team has."""
OPEN = {"/metrics", "/", "/healthz", "/readyz"}
READS = sorted(path for method, path in ALL if method == "GET" and path not in OPEN)


@pytest.fixture(scope="module")
def alpha(deployment: Deployment, gateway: UvicornServer) -> Iterator[httpx.Client]:
    """The admin of the team alpha, beside a team that has one of everything."""
    tokens: dict[str, str] = {}
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        for team in ("alpha", MARK):
            tokens[team] = mint()
            create_token(
                connection,
                token=tokens[team],
                name=f"{team}-token",
                user_id=f"{team}-ann",
                team_id=team,
                tier="professional",
                role="user",
            )
        theirs = final(
            user_id=f"{MARK}-ann",
            team_id=MARK,
            end_user=f"{MARK}-eve",
            tags=(f"{MARK}-tag",),
            session_id=f"{MARK}-session",
        )
        write_batch(connection, [theirs], [])
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=20) as client:
        for team in ("alpha", MARK):
            body = {"id": team, "name": team}
            client.post(TEAMS, headers=ADMIN, json=body).raise_for_status()
            member = f"{TEAMS}/{team}/members/{team}-ann"
            client.put(member, headers=ADMIN, json={"is_admin": True}).raise_for_status()
            limit = {"scope": "team", "subject": team, "requests_per_minute": 1000}
            client.post("/api/v1/admin/llm/limits", headers=ADMIN, json=limit).raise_for_status()
        owner = {"authorization": f"Bearer {tokens[MARK]}"}
        client.post(OWN_TOKENS, headers=owner, json={"name": MARK}).raise_for_status()
        client.post(BYOK, headers=owner, json={**KEY, "name": MARK}).raise_for_status()
        client.headers["authorization"] = f"Bearer {tokens['alpha']}"
        yield client


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("of_whom", ["theirs", "all"])
def test_nothing_of_another_team_is_seen(alpha: httpx.Client, path: str, of_whom: str) -> None:
    names = {"team_id": MARK, "user_id": f"{MARK}-ann", **ROUTES["GET", path].path}
    url = re.sub(r"/?{(\w+):\w+}", lambda found: "/" + names.get(found[1], "1").lstrip("/"), path)
    asked = {"team": MARK} if "/usage" in path and of_whom == "theirs" else {}
    answer = alpha.get(url, params=asked)
    assert answer.status_code < 500
    # What they asked for may be said back to them where it is refused.
    seen = answer.text if answer.is_success else ""
    assert MARK not in seen
    if path.startswith("/api/v1/admin"):
        assert answer.status_code == 403


def test_nothing_of_another_team_is_changed_or_spent(alpha: httpx.Client) -> None:
    assert alpha.put(f"{TEAMS}/{MARK}/members/alpha-ann", json={}).status_code == 403
    assert alpha.delete(f"{TEAMS}/{MARK}/members/{MARK}-ann").status_code == 403
    refused = alpha.post(OWN_TOKENS, json={"team_id": MARK})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "team_not_allowed")
    theirs = [
        one["id"]
        for one in alpha.get(
            "/api/v1/admin/llm/access-tokens", headers=ADMIN, params={"limit": "1000"}
        ).json()["data"]
        if one["team_id"] == MARK
    ]
    assert theirs
    for token_id in theirs:
        assert alpha.delete(f"{OWN_TOKENS}/{token_id}").status_code == 404
    assert alpha.delete(f"{BYOK}/openai").status_code == 404
