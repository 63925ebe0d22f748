"""What people come to do, done in a browser from the first page to the last."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Stack, Watched

KEY = "sk-test-1234567890abcdefghijklmnop"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "{{7*7}}",
    "javascript:alert(1)",
]

NewPage = Callable[..., Watched]


def test_from_the_first_sign_in_to_the_first_answer(new_page: NewPage, stack: Stack) -> None:
    page = new_page().sign_in(stack.token("first"))
    expect(page.get_by_role("heading", name="No request yet")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Playground").click()
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-route] tbody tr").first).to_be_visible()
    expect(page.locator("[data-route]").get_by_text("answered")).to_have_count(1)
    expect(page.locator(".said").nth(1)).not_to_be_empty()


def test_a_key_is_stored_tested_and_removed(new_page: NewPage, stack: Stack) -> None:
    watched = new_page()
    watched.confirms = True
    page = watched.sign_in(stack.token("keeper"), "/keys")
    page.get_by_label("Provider").select_option("openai")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Store").click()
    expect(page.get_by_role("status")).to_contain_text("is stored")
    expect(page.get_by_role("table", name="Your keys")).to_contain_text("...mnop")
    assert KEY not in page.content()
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status")).to_contain_text("openai")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No key stored")).to_be_visible()


def test_an_admin_makes_a_token_and_its_session_ends_at_revocation(
    new_page: NewPage, stack: Stack
) -> None:
    admin, theirs = new_page(), new_page()
    admin.confirms = True
    page = admin.sign_in(stack.token("chief", role="admin"), "/admin/tokens")
    page.get_by_label("User", exact=True).fill("newcomer")
    page.get_by_label("Tier").select_option("professional")
    page.get_by_role("button", name="Make").click()
    token = page.locator("#made").inner_text()
    assert token.startswith("sy_")
    reader = theirs.sign_in(token, "/connect")
    expect(reader.get_by_role("heading", name="Connect a client")).to_be_visible()
    page.get_by_role("button", name="Revoke newcomer").click()
    expect(page.get_by_text("revoked").first).to_be_visible()
    ends = time.monotonic() + 20
    while theirs.open("/connect").get_by_label("Access token").count() == 0:
        assert time.monotonic() < ends, "the session outlives its token"
        time.sleep(0.2)


def test_an_admin_makes_changes_and_removes_an_alias(new_page: NewPage, stack: Stack) -> None:
    watched = new_page()
    watched.confirms = True
    page = watched.sign_in(stack.token("router", role="admin"), "/admin")
    page.get_by_role("link", name="Aliases").click()
    page.get_by_label("Name, with one").fill("old-model")
    page.get_by_label("Target").fill("no such target at all")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name, with one")).to_have_value("old-model")
    page.get_by_label("Target").fill("eco 80, balanced 20")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("tbody")).to_contain_text("eco 80, balanced 20")
    page.get_by_role("link", name="Change old-model").click()
    page.get_by_label("Target").fill("balanced")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody tr").filter(has_text="old-model")).to_contain_text("balanced")
    page.get_by_role("button", name="Remove old-model").click()
    expect(page.get_by_text("old-model")).to_have_count(0)
    watched.open("/admin/audit?action=alias.*")
    for action in ("alias.created", "alias.changed", "alias.deleted"):
        expect(page.get_by_role("cell", name=action)).to_be_visible()


def test_a_user_makes_rotates_and_revokes_a_token(new_page: NewPage, stack: Stack) -> None:
    watched = new_page()
    watched.confirms = True
    page = watched.sign_in(stack.token("holder"), "/keys")
    page.get_by_label("Name of the token").fill("laptop")
    page.get_by_role("button", name="Make", exact=True).click()
    first = page.locator("#made").inner_text()
    assert first.startswith("sy_")
    page.get_by_role("button", name=f"Rotate laptop, {first[-4:]}").click()
    expect(page.locator("#made")).not_to_have_text(first)
    second = page.locator("#made").inner_text()
    page.get_by_role("button", name=f"Revoke laptop, {second[-4:]}").click()
    expect(page.get_by_role("button", name=f"Revoke laptop, {second[-4:]}")).to_have_count(0)
    assert second not in page.content()


def test_an_admin_tries_a_rule_before_saving_it(new_page: NewPage, stack: Stack) -> None:
    page = new_page().sign_in(stack.token("trier", role="admin"), "/admin/rules")
    page.get_by_text("Add", exact=True).first.click()
    page.get_by_label("Power level").fill("eco")
    page.get_by_label("Model", exact=True).fill("openai/gpt-6.1-terra")
    page.get_by_label("Task type").fill("tried-only")
    page.get_by_role("button", name="Try on the last requests").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is saved")
    expect(page.get_by_label("Task type")).to_have_value("tried-only")
    expect(page.locator("tbody").last.get_by_text("tried-only")).to_have_count(0)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("tbody").get_by_text("tried-only")).to_have_count(1)


def test_an_admin_blocks_a_user_and_fills_a_team(new_page: NewPage, stack: Stack) -> None:
    watched = new_page()
    watched.confirms = True
    stack.token("troll")
    page = watched.sign_in(stack.token("warden", role="admin"), "/admin/users?find=troll")
    page.get_by_role("button", name="Block troll").click()
    watched.open("/admin/users?find=troll")
    page.get_by_role("button", name="Let troll in").click()
    watched.open("/admin/teams")
    page.get_by_label("Name", exact=True).fill("Red Pandas")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Members of red-pandas").click()
    page.get_by_label("User", exact=True).fill("ann")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Remove ann").click()
    expect(page.get_by_text("Nobody belongs to it yet.")).to_be_visible()


def test_a_provider_that_goes_down_is_told_of_without_a_reload(
    new_page: NewPage, stack: Stack
) -> None:
    page = new_page().open("/status")
    groq = page.locator(".provider").filter(has_text="Groq")
    expect(groq).not_to_contain_text("Down")
    stack.execute(
        "UPDATE llm_providers SET health_status = 'down', health_reason = %s,"
        " updated_at = now() WHERE provider_slug = 'groq'",
        HOSTILE[1],
    )
    try:
        expect(groq).to_contain_text("Down", timeout=20_000)
        expect(groq).to_contain_text(HOSTILE[1])
    finally:
        stack.execute(
            "UPDATE llm_providers SET health_status = 'healthy', health_reason = NULL,"
            " updated_at = now() WHERE provider_slug = 'groq'"
        )


def test_what_is_hostile_is_shown_as_text(new_page: NewPage, stack: Stack) -> None:
    """In a user's name, a provider's, a key's, a message and what is searched for."""
    watched = new_page()
    page = watched.sign_in(stack.token(HOSTILE[0], role="admin"))
    expect(page.locator(".who")).to_contain_text(HOSTILE[0][:20])
    for text in HOSTILE:
        for path in ("/admin/audit?actor=", "/admin/tokens?user=", "/usage?model="):
            page.goto(watched.url + path + text.replace("&", "%26"))
            assert page.locator("main script, main img, main svg[onload]").count() == 0
    stack.name_provider("fireworks", HOSTILE[2])
    try:
        ends = time.monotonic() + 20
        while HOSTILE[2] not in watched.open("/keys").get_by_label("Provider").inner_text():
            assert time.monotonic() < ends, "the name is not shown"
            time.sleep(0.2)
        watched.open("/playground").get_by_label("Message").fill(HOSTILE[1])
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".said.mine")).to_have_text(HOSTILE[1])
        expect(page.locator("[data-route] tbody tr").first).to_be_visible()
    finally:
        stack.name_provider("fireworks", "Fireworks")
