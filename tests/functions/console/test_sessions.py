"""Signing in, and what a session opens and does not; over a running gateway."""

from __future__ import annotations

import time

import httpx
import psycopg
import pytest

from shared.auth.sessions import MOST_FAILURES
from shared.auth.token import mint
from tests.functions.console.conftest import COOKIE, Place


def test_the_cookie_is_bound_to_this_host_and_closed_to_scripts(place: Place) -> None:
    header = place.post("/sign-in", {"token": place.token()}).headers["set-cookie"].lower()
    for word in ("__host-switchyard=", "; secure", "; httponly", "; samesite=lax", "; path=/"):
        assert word in header
    assert "domain" not in header


def test_a_session_opens_pages_and_no_route_of_the_api(place: Place) -> None:
    cookie = place.sign_in(place.token())
    assert place.get("/usage", cookie).status_code == 200
    for path in ("/v1/models", "/api/v1/llm/usage", "/api/v1/llm/byok/keys"):
        assert place.get(path, cookie).status_code == 401


def test_signing_in_again_ends_the_session_before(place: Place) -> None:
    token = place.token()
    first = place.sign_in(token)
    second = place.sign_in(token, old=first)
    assert first != second
    assert place.get("/usage", first).headers["location"] == "/sign-in?next=%2Fusage"
    assert place.get("/usage", second).status_code == 200


def test_signing_out_ends_it_at_the_server_too(place: Place) -> None:
    cookie = place.sign_in(place.token())
    assert place.post("/sign-out", {"csrf": place.csrf(cookie)}, cookie).status_code == 303
    assert place.get("/usage", cookie).status_code == 303


def test_a_session_ends_with_the_revocation_of_its_token(place: Place) -> None:
    cookie = place.sign_in(place.token("rose"))
    with psycopg.connect(place.deployment.database_url, autocommit=True) as connection:
        connection.execute("UPDATE access_tokens SET revoked_at = now() WHERE user_id = 'rose'")
    ends = time.monotonic() + 20
    while place.get("/usage", cookie).status_code == 200:
        assert time.monotonic() < ends, "the session outlives its token"
        time.sleep(0.1)
    assert place.get("/usage", cookie).status_code == 303


@pytest.mark.parametrize(
    "origin", ["", "null", "https://evil.example", "http://127.0.0.1.evil.example"]
)
def test_a_form_of_another_origin_changes_nothing(place: Place, origin: str) -> None:
    cookie = place.sign_in(place.token())
    form = {"csrf": place.csrf(cookie)}
    assert place.post("/sign-out", form, cookie, origin).status_code == 403
    assert place.get("/usage", cookie).status_code == 200


@pytest.mark.parametrize("form", [{}, {"csrf": ""}, {"csrf": "0" * 32}, {"csrf": "é"}])
def test_a_form_without_the_sessions_token_changes_nothing(
    place: Place, form: dict[str, str]
) -> None:
    cookie = place.sign_in(place.token())
    assert place.post("/sign-out", form, cookie).status_code == 403
    assert place.get("/usage", cookie).status_code == 200


def test_the_csrf_token_of_one_session_is_none_of_another(place: Place) -> None:
    mine, other = place.sign_in(place.token("ann")), place.sign_in(place.token("otto"))
    assert place.post("/sign-out", {"csrf": place.csrf(other)}, mine).status_code == 403


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "javascript:x"]
)
def test_nobody_is_sent_elsewhere_after_the_sign_in(place: Place, there: str) -> None:
    answer = place.post("/sign-in", {"token": place.token(), "next": there})
    assert answer.status_code == 400 or answer.headers["location"] == "/?signed-in=1"


def test_a_browser_that_keeps_no_cookie_is_told_of_https(place: Place) -> None:
    there = place.get("/?signed-in=1").headers["location"]
    assert "did not keep the sign-in" in place.get(there).text


def test_a_client_that_asks_for_no_page_gets_json(place: Place) -> None:
    plain = {"accept": "*/*"}
    home = httpx.get(place.url + "/", headers=plain, trust_env=False)
    assert home.json()["name"] == "switchyard"
    refused = httpx.get(place.url + "/usage", headers=plain, trust_env=False)
    assert refused.json()["error"]["code"] == "sign_in_needed"


def test_a_token_limited_to_completions_sees_no_keys(place: Place) -> None:
    cookie = place.sign_in(place.token("lim", scopes=["completions"]))
    assert place.get("/playground", cookie).status_code == 200
    assert place.get("/keys", cookie).status_code == 403


def test_the_playgrounds_token_is_short_and_for_completions_alone(place: Place) -> None:
    cookie = place.sign_in(place.token())
    headers = {
        "cookie": f"{COOKIE}={cookie}",
        "x-csrf-token": place.csrf(cookie),
        **place.origin,
    }
    answer = httpx.post(place.url + "/playground/token", headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text
    token = {"authorization": f"Bearer {answer.json()['token']}"}
    assert httpx.get(place.url + "/v1/models", headers=token, trust_env=False).status_code == 200
    keys = httpx.get(place.url + "/api/v1/llm/byok/keys", headers=token, trust_env=False)
    assert keys.status_code == 403


def test_the_playground_is_no_way_around_the_limits_or_the_end_of_a_token(place: Place) -> None:
    cookie = place.sign_in(place.token("lina"))
    headers = {"cookie": f"{COOKIE}={cookie}", "x-csrf-token": place.csrf(cookie), **place.origin}

    def ask() -> httpx.Response:
        return httpx.post(place.url + "/playground/token", headers=headers, trust_env=False)

    assert ask().status_code == 201
    with psycopg.connect(place.deployment.database_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT id, made_with FROM access_tokens WHERE user_id = 'lina' ORDER BY id"
        ).fetchall()
        assert [made_with for _, made_with in found] == [None, found[0][0]]
        connection.execute(
            "INSERT INTO limits (scope, subject, requests_per_minute) VALUES ('token', %s, 5)",
            (str(found[0][0]),),
        )
    assert ask().json()["error"]["code"] == "token_limited"


def test_failures_bar_their_address_and_a_good_token_does_not_help(place: Place) -> None:
    """The last of this file: the address is everybody's here."""
    good = place.token()
    for _ in range(MOST_FAILURES):
        assert place.post("/sign-in", {"token": mint()}).status_code == 401
    answer = place.post("/sign-in", {"token": good})
    assert answer.status_code == 429
    assert "Too many failed sign-ins" in answer.text
