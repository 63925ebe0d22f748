"""A completion with the caller's own key: whose key goes where, who pays, what if it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.fakes.gateway import PATH as COMPLETIONS
from tests.fakes.gateway import Deployment, ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/api/v1/llm/byok/keys"
KEY = "sk-test-1234567890abcdefghijklmnop"
# The simulated provider refuses what has "invalid" in it (its README).
BAD = "sk-invalid-1234567890abcdefghij"


@pytest.fixture
def store(web: UvicornServer, alice: Mapping[str, str]) -> Callable[..., None]:
    def send(api_key: str = KEY, provider: str = "openai") -> None:
        body = {"provider": provider, "api_key": api_key}
        httpx.post(web.url + PATH, headers=alice, json=body, trust_env=False).raise_for_status()

    return send


def sent(simulated: SimulatedProvider) -> list[str]:
    """The last four of the key of each completion, in order."""
    return [
        str(call["key_last4"])
        for call in simulated.calls()
        if call["path"].endswith("/chat/completions")
    ]


def sql(byok: Deployment, statement: str, *values: Any) -> list[dict[str, Any]]:
    with psycopg.connect(byok.database_url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def eventually(read: Callable[[], object], timeout_s: float = 10.0) -> bool:
    """Whether it becomes true within the time-out; edits of the database take 2 s to be seen."""
    ends = time.monotonic() + timeout_s
    while not read():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def test_the_provider_sees_alices_key_for_alice_and_the_platforms_for_bob(
    byok: Deployment,
    web: UvicornServer,
    simulated: SimulatedProvider,
    alice: Mapping[str, str],
    bob: Mapping[str, str],
    store: Callable[..., None],
) -> None:
    store()
    simulated.clear()
    hers = ask(web.url, headers=alice)
    his = ask(web.url, headers=bob)
    assert sent(simulated) == ["mnop", "ated"]
    paid = [
        (one["key_source"], one["billed_to"], one["provider_used"])
        for one in (hers.json()["_metadata"], his.json()["_metadata"])
    ]
    assert paid == [("byok", "user", "openai"), ("platform", "platform", "openai")]
    [key] = sql(byok, "SELECT id FROM user_api_keys WHERE user_id = 'alice'")
    with byok.worker():
        rows = byok.rows_when(lambda rows: {"alice", "bob"} <= {row["user_id"] for row in rows})
    billed = {
        row["user_id"]: (row["used_byok"], row["user_key_id"], row["billed_to"]) for row in rows
    }
    assert billed == {"alice": (True, key["id"], "user"), "bob": (False, None, "platform")}


def test_a_stream_is_asked_for_with_the_callers_own_key_too(
    web: UvicornServer,
    simulated: SimulatedProvider,
    alice: Mapping[str, str],
    store: Callable[..., None],
) -> None:
    store()
    simulated.clear()
    answer = ask(web.url, headers=alice, stream=True)
    assert '"key_source":"byok"' in answer.text
    assert sent(simulated) == ["mnop"]


def test_a_key_that_is_off_or_deleted_is_not_used(
    web: UvicornServer,
    simulated: SimulatedProvider,
    alice: Mapping[str, str],
    store: Callable[..., None],
) -> None:
    store()
    url = f"{web.url}{PATH}/openai"
    httpx.patch(url, headers=alice, json={"enabled": False}, trust_env=False)
    simulated.clear()
    ask(web.url, headers=alice)
    httpx.patch(url, headers=alice, json={"enabled": True}, trust_env=False)
    ask(web.url, headers=alice)
    httpx.delete(url, headers=alice, trust_env=False)
    ask(web.url, headers=alice)
    assert sent(simulated) == ["ated", "mnop", "ated"]


def _copied_from_bob(byok: Deployment) -> None:
    sql(
        byok,
        "UPDATE user_api_keys SET encrypted_api_key = (SELECT encrypted_api_key FROM"
        " user_api_keys WHERE user_id = 'bob') WHERE user_id = 'alice'",
    )


def _flipped(byok: Deployment) -> None:
    sql(
        byok,
        "UPDATE user_api_keys SET encrypted_api_key = overlay(encrypted_api_key placing"
        " CASE WHEN substr(encrypted_api_key, 60, 1) = 'A' THEN 'B' ELSE 'A' END from 60)"
        " WHERE user_id = 'alice'",
    )


def _moved(byok: Deployment) -> None:
    sql(
        byok,
        "UPDATE llm_providers SET base_url = 'https://evil.example/v1'"
        " WHERE provider_slug = 'openai'",
    )


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        pytest.param(_copied_from_bob, "provider_key_unreadable", id="another user's ciphertext"),
        pytest.param(_flipped, "provider_key_unreadable", id="a byte flipped"),
        pytest.param(_moved, "provider_key_host_changed", id="the provider's host changed"),
    ],
)
def test_a_tampered_row_answers_422_is_audited_and_nothing_is_sent(
    byok: Deployment,
    web: UvicornServer,
    simulated: SimulatedProvider,
    alice: Mapping[str, str],
    bob: Mapping[str, str],
    store: Callable[..., None],
    tamper: Callable[[Deployment], None],
    code: str,
) -> None:
    store()
    body = {"provider": "openai", "api_key": "sk-of-bob-1234567890abcdefghi"}
    httpx.post(web.url + PATH, headers=bob, json=body, trust_env=False).raise_for_status()
    assert ask(web.url, headers=alice).status_code == 200
    tamper(byok)
    try:
        assert eventually(lambda: ask(web.url, headers=alice).status_code == 422)
        simulated.clear()
        answer = ask(web.url, headers=alice)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, code)
        assert "store it again" in error["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert sent(simulated) == []
        assert eventually(
            lambda: bool(
                sql(
                    byok,
                    "SELECT 1 FROM audit_events WHERE action = 'user_key.not_opened'"
                    " AND details->>'code' = %s AND details->>'user' = 'alice'",
                    code,
                )
            )
        )
    finally:
        sql(
            byok,
            "UPDATE llm_providers SET base_url = 'https://api.openai.com/v1'"
            " WHERE provider_slug = 'openai'",
        )
        sql(byok, "DELETE FROM user_api_keys WHERE user_id IN ('alice', 'bob')")
        # Until the gateway has seen both, a key that is stored is sealed to the other host.
        assert eventually(lambda: ask(web.url, headers=alice).status_code == 200)


def test_a_refused_key_is_sent_twice_at_most_and_blames_nobody_else(
    byok: Deployment,
    web: UvicornServer,
    simulated: SimulatedProvider,
    alice: Mapping[str, str],
    bob: Mapping[str, str],
    store: Callable[..., None],
) -> None:
    """R12 of RELIABILITY.md. The key was good when it was stored: its row is made so by hand."""
    store(BAD)
    sql(byok, "UPDATE user_api_keys SET status = 'ok' WHERE user_id = 'alice'")
    simulated.clear()
    # Until the gateway has seen the edit it answers without sending anything.
    assert eventually(lambda: ask(web.url, headers=alice).status_code == 401 and sent(simulated))
    for _ in range(3):
        answer = ask(web.url, headers=alice)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "provider_key_rejected"
        assert "openai" in answer.json()["error"]["message"].lower()
    assert 1 <= sent(simulated).count("ghij") <= 2
    assert eventually(
        lambda: (
            sql(byok, "SELECT status FROM user_api_keys WHERE user_id = 'alice'")
            == [{"status": "invalid"}]
        )
    )
    with httpx.Client(headers=bob, trust_env=False) as client:
        body = {"messages": [{"role": "user", "content": "Hello"}]}
        statuses = [client.post(web.url + COMPLETIONS, json=body).status_code for _ in range(100)]
    assert statuses == [200] * 100
    ask(web.url, headers=alice)
    assert sent(simulated).count("ghij") <= 2
    health = sql(byok, "SELECT health_status FROM llm_providers WHERE provider_slug = 'openai'")
    assert health == [{"health_status": "unknown"}]
    noted = sql(
        byok,
        "SELECT count(*) FROM audit_events WHERE action = 'user_key.failed'"
        " AND details->>'user' = 'alice'",
    )
    assert noted == [{"count": 1}]
