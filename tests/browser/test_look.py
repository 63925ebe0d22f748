"""Every page in every width and scheme: whole, readable by axe-core's rules, quick and small."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import WIDTHS, Stack, Watched
from tests.fakes.gateway import ask

SHOTS = Path(__file__).parent / "shots"
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
PAGES = {
    "sign-in": "/sign-in",
    "status": "/status",
    "home": "/",
    "usage": "/usage",
    "keys": "/keys",
    "playground": "/playground",
    "connect": "/connect",
}
FOR_ADMINS = {
    "admin": "/admin",
    **{name: f"/admin/{name}" for name in ("providers", "models", "aliases", "rules", "levels")},
    **{name: f"/admin/{name}" for name in ("limits", "tokens", "system-keys", "audit")},
}
# A month of checks every two hours; the third provider was down for half a day.
PAST = """
INSERT INTO provider_health_checks (provider_id, checked_at, status, outcome, reason)
SELECT id, at, CASE WHEN ill THEN 'down' ELSE 'healthy' END,
    CASE WHEN ill THEN 'failed' ELSE 'answered' END, CASE WHEN ill THEN 'It answered 503.' END
FROM (
    SELECT id, at, id = 3 AND at BETWEEN now() - interval '9 days' AND now() - interval '8.5 days'
        AS ill
    FROM llm_providers, generate_series(now() - interval '29 days', now(), interval '2 hours') AS at
) AS checked
"""
FOR_ANYBODY = {"sign-in", "status"}
MAX_BYTES = 50_000


def violations(page: Page) -> list[str]:
    """What axe-core finds; run as text, as a script tag would be one that CSP refuses."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run().then(result => result.violations)")
    return [
        f"{one['id']}: {one['help']} at {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found
    ]


@pytest.fixture(scope="session")
def used(stack: Stack) -> str:
    """The token of a user who has made some requests."""
    token = stack.token("ann")
    headers = {"authorization": f"Bearer {token}"}
    for level in ("eco", "balanced", "precision", "balanced"):
        ask(stack.url, headers=headers, model=level).raise_for_status()
    stack.execute(PAST)
    stack.execute(
        "UPDATE llm_providers SET health_status = 'healthy', health_last_checked = now(),"
        " health_response_time_ms = 90 + 20 * id, updated_at = now()"
    )
    stack.deployment.rows_when(lambda rows: sum(one["user_id"] == "ann" for one in rows) >= 4)
    return token


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("whose", ["users", "admins"])
def test_every_page_fits_and_is_accessible(
    new_page: Callable[..., Watched], stack: Stack, used: str, whose: str, width: str, scheme: str
) -> None:
    watched = new_page(WIDTHS[width], scheme)
    token, pages = (
        (used, PAGES) if whose == "users" else (stack.token("root", role="admin"), FOR_ADMINS)
    )
    found: dict[str, list[str]] = {}
    for name, path in sorted(pages.items(), key=lambda one: one[0] not in FOR_ANYBODY):
        page = watched.open(path)
        if page.url.partition("?")[0].endswith("/sign-in") and name not in FOR_ANYBODY:
            page = watched.sign_in(token, path)
        page.wait_for_load_state("networkidle")
        found[name] = violations(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name].append("is wider than the window")
        if os.environ.get("SHOTS"):
            SHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    assert {name: faults for name, faults in found.items() if faults} == {}
