"""Whatever the admin's API does, the console offers, two clicks from any page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import functions.console
from functions.console.admin.subjects import SUBJECTS
from functions.console.function import CONSOLE
from tests.functions.route_table import ALL, ROUTES

API = "/api/v1/admin/llm"
TEMPLATES = Path(functions.console.__file__).parent / "pages"

# The pages of a subject read, make, change and remove its rows; what has another page is below.
SUBJECT_OF = {
    **{name: name for name in ("providers", "models", "aliases", "limits", "teams")},
    "routing-rules": "rules",
    "power-levels": "levels",
}
DOES = {
    "GET": ("GET", "/admin/{}"),
    "POST": ("POST", "/admin/{}"),
    "PATCH": ("POST", "/admin/{}/change"),
    "DELETE": ("POST", "/admin/{}/remove"),
}
ELSEWHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("POST", "providers/{provider:str}/test"): ("POST", "/admin/health/{provider:str}/test"),
    ("PUT", "teams/{team_id:str}/members/{user_id:path}"): (
        *("POST", "/admin/team/{team_id:str}/members"),
    ),
    ("DELETE", "teams/{team_id:str}/members/{user_id:path}"): (
        *("POST", "/admin/team/{team_id:str}/remove-member"),
    ),
    ("GET", "access-tokens"): ("GET", "/admin/tokens"),
    ("POST", "access-tokens"): ("POST", "/admin/tokens"),
    ("GET", "access-tokens/{token_id:int}"): ("GET", "/admin/tokens/{token_id:int}"),
    ("PATCH", "access-tokens/{token_id:int}"): ("POST", "/admin/tokens/{token_id:int}"),
    ("POST", "access-tokens/{token_id:int}/rotate"): (
        *("POST", "/admin/tokens/{token_id:int}/rotate"),
    ),
    ("DELETE", "access-tokens/{token_id:int}"): ("POST", "/admin/tokens/{token_id:int}/revoke"),
    ("GET", "users"): ("GET", "/admin/users"),
    ("GET", "users/{user_id:path}"): ("GET", "/admin/users"),
    ("PATCH", "users/{user_id:path}"): ("POST", "/admin/users/block"),
    ("GET", "system-keys"): ("GET", "/admin/system-keys"),
    ("POST", "system-keys"): ("POST", "/admin/system-keys"),
    ("POST", "system-keys/{provider:str}/test"): (
        *("POST", "/admin/system-keys/{provider:str}/test"),
    ),
    ("DELETE", "system-keys/{provider:str}"): (
        *("POST", "/admin/system-keys/{provider:str}/remove"),
    ),
    ("POST", "dry-run"): ("POST", "/admin/rules/try"),
    ("GET", "audit"): ("GET", "/admin/audit"),
    ("GET", "tiers"): ("GET", "/admin/tiers"),
    ("GET", "health"): ("GET", "/admin/health"),
    ("POST", "health/check"): ("POST", "/admin/health/check"),
    ("GET", "usage"): ("GET", "/usage"),
    ("GET", "usage/summary"): ("GET", "/usage"),
    ("GET", "usage/export"): ("GET", "/usage/export.csv"),
}


def offered(method: str, path: str) -> tuple[str, str] | None:
    """The route of the console that does what a route of the API does."""
    name = path.removeprefix(API + "/")
    if (method, name) in ELSEWHERE:
        return ELSEWHERE[method, name]
    subject = SUBJECT_OF.get(name.partition("/")[0])
    return None if subject is None else (DOES[method][0], DOES[method][1].format(subject))


def routes() -> Iterator[tuple[str, str]]:
    """The console's, a subject's page by the name of each subject."""
    for handler in CONSOLE.handlers:
        for method in handler.http_methods:
            for path in handler.paths:
                for one in SUBJECTS if "{subject:str}" in path else ("",):
                    yield str(getattr(method, "value", method)), path.replace("{subject:str}", one)


def linked() -> set[str]:
    """Where the admin's first page leads."""
    text = (TEMPLATES / "admin.html").read_text("utf-8")
    links = re.findall(r'href="(/[^"?]*)', text)
    return {one.replace("{{ one.name }}", name) for one in links for name in SUBJECTS}


def test_each_route_of_the_admins_api_has_one_of_the_console() -> None:
    of_api = [one for one in ALL if one[1].startswith(API)]
    assert {one for one in of_api if offered(*one) not in set(routes())} == set()
    assert set(ALL) == set(ROUTES)


def test_each_page_is_two_clicks_away() -> None:
    """The first opens Admin, which every page of an admin leads to; the second is on it."""
    assert 'link("/admin", "Admin")' in (TEMPLATES / "layout.html").read_text("utf-8")
    pages = {offered(*one) for one in ALL if one[1].startswith(API) and one[0] == "GET"}
    first = {path for _, path in filter(None, pages)}
    # One token is opened from the list of them, a file from the page of what is in it.
    first -= {"/admin/tokens/{token_id:int}", "/usage/export.csv"}
    assert first - linked() == set()
