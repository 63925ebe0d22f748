"""No text in any place of any page or form is a 500: it works, or the page says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import httpx
import psycopg
import pytest
from litestar.handlers import HTTPRouteHandler

from functions.console.admin.subjects import SUBJECTS
from functions.console.function import CONSOLE
from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

TEXTS = ["%00", "%ED%A0%80", "nan", "%D9%A3", "x" * 2000, "-1"]
TEXTS += ["0000000019999999999", "9" * 5000, "9223372036854775808"]
NUMBERS = ["nan", "1e400", "9" * 5000]
"""Some of which no body of the API can have, as JSON has no such numbers."""
# The first and the last moment that a date can be.
CURSORS = ["WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiYSJd"]
CURSORS += ["WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTE0OjAwIiwiYSJd"]
USAGE = ("by", "days", "of", "user", "model", "provider", "tag", "end_user", "cursor")
ASKED: Mapping[str, tuple[str, ...]] = {
    "/usage": USAGE,
    "/usage/export.csv": USAGE,
    "/sign-in": ("next",),
    "/admin/rules": ("row", "find", "page"),
    "/admin/tokens": ("user", "page"),
    "/admin/users": ("find", "page"),
    "/admin/health": ("page",),
    "/keys": ("page",),
    "/admin/audit": ("actor", "action", "target_type", "target_id", "before"),
}
"""What each page reads of its address."""
SENT: Mapping[str, tuple[str, ...]] = {
    "/sign-in": ("token", "next"),
    "/keys": ("provider", "api_key", "name"),
    "/keys/{provider:str}/change": ("use_policy", "enabled", "platform_fallback"),
    "/admin/tokens": ("user_id", "tier", "role", "days", "expires_at", "scopes"),
    "/admin/system-keys": ("provider", "api_key"),
    "/keys/tokens": ("name", "team_id", "days", "scopes"),
    "/admin/users/block": ("user_id",),
    "/admin/users/unblock": ("user_id",),
    "/admin/tokens/{token_id:int}": ("name", "tier", "scopes", "allowed_models", "days"),
    "/admin/tokens/{token_id:int}/rotate": ("overlap_hours",),
    "/admin/team/{team_id:str}/members": ("user_id", "is_admin"),
    "/admin/{subject:str}/try": ("row", "priority", "weight"),
    "/admin/{subject:str}/change": ("row",),
    "/admin/{subject:str}/remove": ("row",),
}
"""And each form, those of the admin's subjects apart."""
TOKEN = {"user_id": "made", "tier": "free"}
ADMIN = mint()
GOOD: Mapping[str, Mapping[str, str]] = {
    "providers": {"provider": "made", "base_url": "https://a.example/v1"},
    "models": {"provider": "openai", "model_id": "made", "price_input": "1", "price_output": "2"},
    "aliases": {"name": "made", "target": "eco"},
    "rules": {"power_level": "eco", "model": "gpt-6.1-terra"},
    "levels": {"name": "made", "rank": "77", "price_ceiling_usd_per_mtok": "50"},
    "limits": {"scope": "user", "subject": "made", "requests_per_minute": "5"},
    "teams": {"name": "Made"},
}
"""What makes a row of each subject."""


class Console:
    """An admin who is signed in."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.csrf = ""
        answer = self.send("/sign-in", {"token": ADMIN})
        # httpx keeps a Secure cookie to itself on plain HTTP.
        self.client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        found = re.search(r'name="csrf" value="(\w+)"', self.client.get("/keys").text)
        assert found is not None
        self.csrf = found[1]

    def send(self, path: str, form: Mapping[str, str]) -> httpx.Response:
        """The values are sent as they are, percent-encoded already."""
        body = "&".join(f"{name}={value}" for name, value in {**form, "csrf": self.csrf}.items())
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.client.post(path, content=body, headers=headers)


@pytest.fixture(scope="module")
def web(new_place: NewPlace, simulated: SimulatedProvider) -> Iterator[UvicornServer]:
    more = {"SWITCHYARD_TRYOUT_TOKENS": "false"}
    place = new_place("forms")
    deployment = Deployment(**place._asdict(), simulated_url=simulated.url, more=more)
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        create_token(
            connection, token=ADMIN, name="ann", user_id="ann", team_id=None, tier="enterprise",
            role="admin",
        )  # fmt: skip
    with deployment.web() as running:
        yield running


@pytest.fixture(scope="module")
def console(web: UvicornServer) -> Iterator[Console]:
    headers = {"accept": "text/html", "origin": web.url}
    with httpx.Client(base_url=web.url, headers=headers, trust_env=False, timeout=60) as client:
        yield Console(client)


def paths(method: str) -> list[str]:
    return sorted(
        path
        for handler in CONSOLE.handlers
        if isinstance(handler, HTTPRouteHandler) and method in handler.http_methods
        for path in handler.paths
    )


def filled(path: str, text: str) -> str:
    return re.sub(r"\{[^}]*\}", text, path)


def test_no_text_in_any_address_of_a_page_is_a_fault_of_ours(console: Console) -> None:
    asked = [filled(path, text) for path in paths("GET") if "{" in path for text in TEXTS]
    for path, names in ASKED.items():
        asked += [f"{path}?{name}={text}" for name in names for text in [*TEXTS, *CURSORS]]
    faults = [path[:90] for path in asked if console.client.get(path).status_code >= 500]
    assert faults == []


@pytest.mark.parametrize("path", sorted({*paths("POST")} - {"/sign-out"}))
def test_no_text_in_any_form_is_a_fault_of_ours(console: Console, path: str) -> None:
    there, base = filled(path, "rules"), TOKEN if path == "/admin/tokens" else {}
    sent = [(filled(path, text), {}) for text in TEXTS if "{" in path]
    sent += [(there, {**base, name: text}) for name in SENT.get(path, ()) for text in TEXTS]
    answers = [(at, form, console.send(at, form).status_code) for at, form in sent]
    assert [str(one)[:120] for one in answers if one[2] >= 500] == []


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_text_in_any_field_of_an_admin_is_a_fault_of_ours(console: Console, name: str) -> None:
    page = f"/admin/{name}"
    fields = [field.name for field in SUBJECTS[name].fields]
    sent = [(page, {**GOOD[name], field: text}) for field in fields for text in NUMBERS]
    answers = [(*one, console.send(*one).status_code) for one in sent]
    made = re.search(r'name="row" value="([^"]+)"', console.client.get(page).text)
    assert made is not None
    changed = [(page + "/change", {"row": made[1], field: "nan"}) for field in fields]
    answers += [(*one, console.send(*one).status_code) for one in changed]
    assert [str(one)[:120] for one in answers if one[2] >= 500] == []
    assert console.client.get(page).status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://[evil", "[", "://", "http://a:b", "\xff"])
def test_a_form_of_an_origin_that_is_none_changes_nothing(console: Console, origin: str) -> None:
    headers = {"origin": origin.encode("latin-1"), "accept": "text/html"}
    answer = console.client.post("/sign-in", headers=headers, data={"token": ADMIN})
    assert answer.status_code == 403


def test_a_form_may_have_64_kb_before_and_after_the_sign_in(console: Console) -> None:
    """Reading 1 MB of escapes holds the process up for a quarter of a second."""
    for path in ("/sign-in", "/keys"):
        answer = console.send(path, {"token": "%41" * 22_000})
        assert answer.status_code == 413, path


def test_a_page_says_its_encoding_once(console: Console) -> None:
    for path in ("/keys", "/console/console.css", "/console/console.js"):
        assert console.client.get(path).headers["content-type"].count("charset=utf-8") == 1
