"""A process cut off from PostgreSQL, from Redis, or from both, while callers lose their rights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import httpx
import psycopg
import pytest

from tests.fakes.admin import Admin
from tests.fakes.gateway import ADMIN, PATH, Deployment, ask
from tests.fakes.hanging_proxy import HangingProxy

HEARD_WITHIN_S = 2.0
STALE_AUTH_S = 4.0
KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"


class Scene(NamedTuple):
    """`far` reaches PostgreSQL and Redis by proxies, `near` directly."""

    near: str
    far: str
    postgres: HangingProxy
    redis: HangingProxy
    database_url: str

    def token(self, user_id: str) -> tuple[int, Mapping[str, str]]:
        """One that both processes remember."""
        made = Admin(self.near, ADMIN)(
            "POST", "/access-tokens", user_id=user_id, tier="professional"
        ).json()
        headers = {"authorization": f"Bearer {made['token']}"}
        for url in (self.near, self.far):
            assert ask(url, headers=headers).status_code == 200
        return made["id"], headers

    def answer(self, headers: Mapping[str, str]) -> httpx.Response:
        return ask(self.far, headers=headers)


@pytest.fixture
def scene(deployment: Deployment, redis_url: str) -> Iterator[Scene]:
    with (
        HangingProxy(deployment.database_url) as postgres,
        HangingProxy(redis_url) as redis,
        deployment.web() as near,
        deployment.web(
            DATABASE_URL=postgres.url, REDIS_URL=redis.url, STALE_AUTH_S=str(STALE_AUTH_S)
        ) as far,
    ):
        yield Scene(near.url, far.url, postgres, redis, deployment.database_url)
        postgres.heal()
        redis.heal()


def refused_after(scene: Scene, headers: Mapping[str, str]) -> tuple[float, int]:
    """How long the caller was still served in s, and with what it then was not."""
    began = time.monotonic()
    while (status := scene.answer(headers).status_code) == 200:
        assert time.monotonic() - began < 15, "served for ever"
        time.sleep(0.05)
    return time.monotonic() - began, status


def revoke(scene: Scene, token_id: int) -> None:
    assert Admin(scene.near, ADMIN)("DELETE", f"/access-tokens/{token_id}").status_code == 200


def expire(scene: Scene, token_id: int) -> None:
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    changed = Admin(scene.near, ADMIN)("PATCH", f"/access-tokens/{token_id}", expires_at=ends)
    assert changed.status_code == 200, changed.text


def revoke_by_hand(scene: Scene, token_id: int) -> None:
    with psycopg.connect(scene.database_url) as connection:
        connection.execute("UPDATE access_tokens SET revoked_at = now() WHERE id = %s", [token_id])


@pytest.mark.parametrize("take_away", [revoke, expire, revoke_by_hand])
def test_what_an_other_process_was_told_is_heard_by_redis_while_postgresql_hangs(
    scene: Scene, take_away: Callable[[Scene, int], None]
) -> None:
    token_id, headers = scene.token("eve")
    _, others = scene.token("ada")
    scene.postgres.hang()
    time.sleep(1)
    take_away(scene, token_id)
    began = time.monotonic()
    asked = began
    while is_served(scene, headers):
        assert time.monotonic() - began < 10, "served for ever"
        time.sleep(0.05)
        asked = time.monotonic()
    assert asked - began < HEARD_WITHIN_S + 0.5
    if take_away is not revoke_by_hand:  # then nobody knows whom it concerns
        assert scene.answer(others).status_code == 200


def is_served(scene: Scene, headers: Mapping[str, str]) -> bool:
    """From memory: in no time, or after the one wait for a poll; a look-up takes 5 s to fail."""
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    try:
        answer = httpx.post(scene.far + PATH, json=body, headers=dict(headers), timeout=3)
    except httpx.TimeoutException:
        return False
    return answer.status_code == 200


def test_a_revocation_is_heard_by_postgresql_while_redis_hangs(scene: Scene) -> None:
    token_id, headers = scene.token("eve")
    _, others = scene.token("ada")
    scene.redis.hang()
    time.sleep(1)
    revoke(scene, token_id)
    served_s, status = refused_after(scene, headers)
    assert served_s < HEARD_WITHIN_S + 0.5
    assert status == 401
    assert scene.answer(others).status_code == 200


def test_cut_off_from_both_it_serves_who_it_remembers_for_a_while_and_then_says_503(
    scene: Scene,
) -> None:
    token_id, headers = scene.token("eve")
    _, others = scene.token("ada")
    scene.postgres.hang()
    scene.redis.hang()
    revoke(scene, token_id)
    began = time.monotonic()
    assert scene.answer(others).status_code == 200
    served_s, status = refused_after(scene, headers)
    assert served_s < STALE_AUTH_S + 8  # a look-up waits 5 s for PostgreSQL
    assert status == 503
    for one in (headers, others):
        answer = scene.answer(one)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "database_unavailable"
        assert "retry-after" in answer.headers
    assert time.monotonic() - began > STALE_AUTH_S
    scene.postgres.heal()
    scene.redis.heal()
    ends = time.monotonic() + 40
    while (status := scene.answer(others).status_code) != 200 and time.monotonic() < ends:
        time.sleep(0.2)
    assert status == 200
    assert scene.answer(headers).status_code == 401


@pytest.mark.parametrize("take_away", ["deleted", "disabled"])
def test_an_own_key_taken_away_elsewhere_is_not_used_while_postgresql_hangs(
    scene: Scene, take_away: str
) -> None:
    _, headers = scene.token("eve")
    _, others = scene.token("ada")
    keys = f"{scene.near}/api/v1/llm/byok/keys"
    body = {"provider": "openai", "api_key": KEY, "use_policy": "only"}
    assert httpx.post(keys, json=body, headers=dict(headers)).status_code in (200, 201)
    time.sleep(2.5)
    model = "openai/gpt-6.1-terra"
    served = ask(scene.far, headers=headers, model=model)
    assert served.json()["_metadata"]["key_source"] == "byok", served.text
    assert scene.answer(others).status_code == 200
    scene.postgres.hang()
    time.sleep(1)
    if take_away == "deleted":
        changed = httpx.delete(f"{keys}/openai", headers=dict(headers))
    else:
        changed = httpx.patch(f"{keys}/openai", json={"enabled": False}, headers=dict(headers))
    assert changed.status_code == 200, changed.text
    time.sleep(HEARD_WITHIN_S)
    answer = ask(scene.far, headers=headers, model=model)
    assert answer.status_code == 503
    assert scene.answer(others).status_code == 200
