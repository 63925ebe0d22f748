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

SHOTS = Path(__file__).parents[2] / "build" / "shots"
"""Where `SHOTS=1` leaves a picture of each; the README's four are kept in `shots`, beside this."""
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
PAGES = {
    "sign-in": "/sign-in",
    "status": "/status",
    "home": "/",
    "usage": "/usage",
    "keys": "/keys",
    "playground": "/playground",
    "connect": "/connect",
    "hours": "/usage?by=hour",
}
FOR_ADMINS = {
    "admin": "/admin",
    **{name: f"/admin/{name}" for name in ("providers", "models", "aliases", "rules", "levels")},
    **{name: f"/admin/{name}" for name in ("limits", "tokens", "system-keys", "audit")},
    **{name: f"/admin/{name}" for name in ("users", "teams", "tiers", "health")},
    "token": "/admin/tokens/1",
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
# Ninety days of two models, more on workdays.
SPENT = """
INSERT INTO usage_daily (day, user_id, provider_id, model_id, power_level, billed_to, requests,
    prompt_tokens, completion_tokens, total_tokens, cost_total_usd)
SELECT current_date - back, 'ann', model.provider_id, model.id, model.power_level, 'platform', busy,
    busy * 900, busy * 220, busy * 1120, busy * 0.004
FROM (SELECT * FROM llm_models WHERE power_level IS NOT NULL ORDER BY id LIMIT 2) AS model,
    generate_series(1, 89) AS back,
    LATERAL (SELECT (CASE WHEN extract(isodow FROM current_date - back) > 5 THEN 9 ELSE 40 END
        + mod(back * 7 + model.id * 5, 23))::int AS busy) AS day
"""
FOR_ANYBODY = {"sign-in", "status"}


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
    stack.execute(SPENT)
    stack.execute(
        "INSERT INTO limits (scope, subject, requests_per_minute, budget_month_usd)"
        " VALUES ('user', 'ann', 600, 50) ON CONFLICT DO NOTHING"
    )
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
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    assert {name: faults for name, faults in found.items() if faults} == {}
