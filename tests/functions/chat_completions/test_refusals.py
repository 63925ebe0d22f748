"""Every request that cannot be served: OpenAI's error shape, a stable code, the field at fault."""

from __future__ import annotations

import json
from typing import Any

import httpx
import psycopg
import pytest

from shared.auth.token import digest, mint
from tests.fakes.gateway import PATH, USER, Deployment, ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token, revoke_token
from tests.fakes.uvicorn_server import UvicornServer

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error, after checking what every one of them has."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.headers["request-id"] == answer.headers["x-request-id"]
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert error["message"].strip().endswith((".", ")"))
    return error


def post(url: str, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(
        url + PATH, content=content, headers=USER if headers is None else headers, timeout=30,
        trust_env=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_api_key"),
        ("", "missing_api_key"),
        ("Bearer", "invalid_api_key"),
        ("Bearer nonsense", "invalid_api_key"),
        ("Bearer sy_" + "a" * 49, "invalid_api_key"),
        ("Basic dXNlcjpwYXNz", "invalid_api_key"),
        ("test-user-token", "invalid_api_key"),
        ("Bearer test-user-token x", "invalid_api_key"),
        pytest.param(f"Bearer {mint()}", "invalid_api_key", id="unknown"),
    ],
)
def test_no_token_or_a_bad_one_is_401(
    gateway: UvicornServer, authorization: str | None, code: str
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = post(gateway.url, json.dumps(HELLO).encode(), headers)
    assert answer.status_code == 401
    error = error_of(answer)
    assert error["code"] == code
    assert error["type"] == "authentication_error"
    if authorization:
        assert authorization not in error["message"]


def test_a_revoked_token_is_401_in_every_process_within_5_s(
    gateway: UvicornServer, deployment: Deployment
) -> None:
    token = mint()
    mine = {"authorization": f"Bearer {token}"}
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        token_id = create_token(
            connection, token=token, name="to go", user_id="rita", team_id=None,
            tier="professional", role="user",
        )  # fmt: skip
        assert ask(gateway.url, headers=mine).status_code == 200
        held = connection.execute("SELECT access_tokens::text FROM access_tokens").fetchall()
        assert held
        assert token not in str(held)
        stored = connection.execute(
            "SELECT token_digest FROM access_tokens WHERE id = %s", [token_id]
        ).fetchone()
        assert stored == (digest(token),)
        assert revoke_token(connection, token_id)
    answers = _ask_until(gateway.url, mine, 401)
    assert error_of(answers)["code"] == "invalid_api_key"


def _ask_until(url: str, headers: dict[str, str], status: int) -> httpx.Response:
    import time  # noqa: PLC0415

    ends = time.monotonic() + 5
    while True:
        answer = ask(url, headers=headers)
        if answer.status_code == status or time.monotonic() > ends:
            assert answer.status_code == status
            return answer
        time.sleep(0.1)


def nested(depth: int) -> bytes:
    return b'{"messages":' + b"[" * depth + b"]" * depth + b"}"


def body(**fields: Any) -> bytes:
    return json.dumps({**HELLO, **fields}).encode()


REFUSED: dict[str, tuple[bytes, int, str, str | None]] = {
    "empty": (b"", 400, "invalid_json", None),
    "not JSON": (b"Hello", 400, "invalid_json", None),
    "cut JSON": (body()[:-1], 400, "invalid_json", None),
    "not UTF-8": (b'{"messages":[{"role":"user","content":"\xff"}]}', 400, "invalid_utf8", None),
    "an array": (b"[]", 400, "invalid_json", None),
    "a text": (b'"hi"', 400, "invalid_json", None),
    "1,200 levels deep": (nested(1200), 400, "json_too_deep", None),
    "100,000 levels deep": (nested(100_000), 400, "json_too_deep", None),
    "deep in a field we do not know": (
        body()[:-1] + b',"later":' + b"[" * 1200 + b"]" * 1200 + b"}", 400, "json_too_deep", None,
    ),
    "no messages": (b"{}", 400, "missing_required_parameter", "messages"),
    "messages null": (b'{"messages":null}', 400, "invalid_type", "messages"),
    "messages a text": (b'{"messages":"Hello"}', 400, "invalid_type", "messages"),
    "messages empty": (b'{"messages":[]}', 400, "invalid_value", "messages"),
    "a message a number": (b'{"messages":[1]}', 400, "invalid_type", "messages[0]"),
    "a role missing": (b'{"messages":[{"content":"x"}]}', 400, "invalid_type", "messages[0]"),
    "model a number": (body(model=5), 400, "invalid_type", "model"),
    "model unknown": (body(model="gpt-2-dream"), 404, "model_not_found", "model"),
    "model of an unknown provider": (body(model="acme/gpt"), 404, "model_not_found", "model"),
    "power level unknown": (body(power_level="turbo"), 400, "invalid_value", "power_level"),
    "stream a text": (body(stream="yes"), 400, "invalid_type", "stream"),
    "max_tokens a text": (body(max_tokens="9"), 400, "invalid_type", "max_tokens"),
    "api_base": (body(api_base="http://evil.example"), 400, "field_refused", "api_base"),
    "base_url": (body(base_url="http://evil.example"), 400, "field_refused", "base_url"),
    "api_key": (body(api_key="sk-1"), 400, "field_refused", "api_key"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_malformed_request_names_what_is_wrong(
    gateway: UvicornServer, simulated: SimulatedProvider, case: str
) -> None:
    content, status, code, param = REFUSED[case]
    simulated.clear()
    answer = post(gateway.url, content)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert simulated.calls() == [], "nothing was sent upstream"


@pytest.mark.parametrize("declares_length", [True, False])
def test_30_mb_are_413(gateway: UvicornServer, declares_length: bool) -> None:
    content = b'{"messages":"' + b"x" * 30_000_000 + b'"}'
    try:
        answer = httpx.post(
            gateway.url + PATH,
            content=content if declares_length else iter([content]),
            headers=USER,
            timeout=30,
            trust_env=False,
        )
    except httpx.WriteError:
        pytest.skip("the server answered and closed before this client had sent everything")
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"


def test_a_large_body_below_the_limit_is_served(gateway: UvicornServer) -> None:
    assert ask(gateway.url, "word " * 20_000).status_code == 200


def test_another_method_is_405_and_another_path_404(gateway: UvicornServer) -> None:
    got = httpx.get(gateway.url + PATH, headers=USER, trust_env=False)
    assert got.status_code == 405
    assert error_of(got)["code"] == "method_not_allowed"
    assert got.headers["allow"] == "POST"
    lost = httpx.get(gateway.url + "/v1/completions", headers=USER, trust_env=False)
    assert lost.status_code == 404
    assert error_of(lost)["code"] == "not_found"


def test_a_price_below_every_model_is_refused_with_the_reason(gateway: UvicornServer) -> None:
    answer = post(gateway.url, body(max_cost_usd=1e-12, max_tokens=10))
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "max_cost_usd"


@pytest.mark.parametrize(
    ("simulate", "status", "code"),
    [
        ("status-400", 400, "provider_refused_request"),
        ("status-401", 503, "platform_key_refused"),
        ("status-429", 429, "provider_rate_limited"),
        ("status-500", 502, "all_candidates_failed"),
    ],
)
def test_what_providers_refuse_is_mapped_and_told_in_their_words(
    gateway: UvicornServer, simulate: str, status: int, code: str
) -> None:
    answer = ask(gateway.url, simulate=simulate)
    error = error_of(answer)
    assert (answer.status_code, error["code"]) in {(status, code), (502, "all_candidates_failed")}
    assert ("Simulated error" in error["message"]) == (code != "platform_key_refused")
