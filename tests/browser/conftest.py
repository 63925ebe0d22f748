"""A gateway with its worker, and a Chromium that is installed; without one nothing here runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

CHROMIUM = shutil.which("chromium")
WIDTHS = {"narrow": 360, "wide": 1920}


class Watched:
    """A page, and whatever it did that none of ours may."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("dialog", self._asked_back)
        self.confirms = False

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, token: str, path: str = "/") -> Page:
        self.open("/sign-in?next=" + path)
        self.page.get_by_label("Access token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()
        return self.page

    def _heard(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # Chromium says each answer of 400 and more that it was handed; tests ask for those.
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.faults.append(f"{kind}: {text}")

    def _asked(self, request: object) -> None:
        address = getattr(request, "url", "")
        if urlsplit(address).netloc != urlsplit(self.url).netloc:
            self.faults.append(f"request: {address}")

    def _asked_back(self, dialog: object) -> None:
        if not self.confirms or getattr(dialog, "type", "") != "confirm":
            self.faults.append(f"dialog: {getattr(dialog, 'message', '')}")
            dialog.dismiss()  # type: ignore[attr-defined]
        else:
            dialog.accept()  # type: ignore[attr-defined]


class Stack:
    def __init__(self, deployment: Deployment, web: UvicornServer) -> None:
        self.deployment = deployment
        self.url = web.url

    def token(self, user_id: str, *, role: str = "user", tier: str = "enterprise") -> str:
        token = mint()
        with psycopg.connect(self.deployment.database_url, autocommit=True) as connection:
            create_token(
                connection, token=token, name=user_id, user_id=user_id, team_id=None, tier=tier,
                role=role,
            )  # fmt: skip
        return token

    def name_provider(self, slug: str, name: str) -> None:
        self.execute(
            "UPDATE llm_providers SET provider_name = %s, display_name = %s"
            " WHERE provider_slug = %s",
            *(name, name, slug),
        )

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.deployment.database_url, autocommit=True) as connection:
            connection.execute(statement, values)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def stack(new_place: NewPlace) -> Iterator[Stack]:
    with SimulatedProvider() as simulated:
        place = new_place("browser")
        deployment = Deployment(
            **place._asdict(), simulated_url=simulated.url, more={"PUBLIC_STATUS": "true"}
        )
        with deployment.worker(), deployment.web() as web:
            yield Stack(deployment, web)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser, stack: Stack) -> Iterator[Callable[..., Watched]]:
    """Open a page of a reader of its own; none may have done what no page of ours may."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def make(width: int = 1280, scheme: str = "light") -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-US"
        )
        context.set_default_timeout(15_000)
        watched = Watched(context.new_page(), stack.url)
        opened.append((context, watched))
        return watched

    yield make
    faults = [fault for _, watched in opened for fault in watched.faults]
    for context, _ in opened:
        context.close()
    assert faults == []
