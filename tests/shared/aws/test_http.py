"""An HTTP function under Lambda's events: the same answers, and never older than 2 s."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator

import pytest
from litestar import Litestar
from mangum.exceptions import LifespanFailure

from functions.models.function import MODELS
from functions.providers.function import PROVIDERS
from shared.aws.http_entry import KEPT_OPEN_S, HttpEntry
from shared.function import Function, create_app
from shared.resources import opener
from tests.fakes.gateway import USER
from tests.fakes.lambda_events import request


@pytest.fixture(autouse=True)
def own_loop() -> Iterator[None]:
    yield
    asyncio.set_event_loop(None)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_795_600_800.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def entry(migrated_database_url: str) -> Iterator[HttpEntry]:
    app = create_app(
        MODELS, PROVIDERS, DATABASE_URL=migrated_database_url, SWITCHYARD_TRYOUT_TOKENS=True
    )
    entry = HttpEntry(app)
    yield entry
    entry.close()
    entry.loop.close()


@pytest.mark.parametrize("kind", ["http_api", "function_url"])
def test_a_route_answers_an_event(entry: HttpEntry, kind: str) -> None:
    answer = entry(request(kind, "/v1/models/gpt-6.1-terra", headers=USER), None)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["id"] == "gpt-6.1-terra"
    assert answer["headers"]["x-request-id"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/v1/models", {}, 401), ("/v1/chat/completions", USER, 404), ("/v1/models/gone", USER, 404)],
)
def test_a_refusal_is_in_openais_shape(
    entry: HttpEntry, path: str, headers: dict[str, str], status: int
) -> None:
    answer = entry(request("http_api", path, headers=headers), None)
    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["error"]["code"]


class Thing:
    pass


def counting(opened: list[str]) -> Litestar:
    @opener
    async def open_thing() -> AsyncGenerator[Thing]:
        opened.append("opened")
        yield Thing()
        opened.append("closed")

    return create_app(Function("thing", opens=[Thing]))


@pytest.mark.parametrize(
    ("pause_s", "expected"),
    [
        (KEPT_OPEN_S, ["opened"]),
        (KEPT_OPEN_S + 0.1, ["opened", "closed", "opened"]),
        (-60.0, ["opened", "closed", "opened"]),
    ],
    ids=["a call at once", "a call after a freeze", "a clock that was set back"],
)
def test_what_is_open_is_kept_for_the_next_call_only(pause_s: float, expected: list[str]) -> None:
    opened: list[str] = []
    clock = Clock()
    entry = HttpEntry(counting(opened), clock)
    for _ in range(2):
        assert entry(request("http_api", "/healthz"), None)["statusCode"] == 200
        clock.now_s += pause_s
    assert opened == expected
    entry.close()
    entry.loop.close()


def test_a_missing_setting_fails_the_call_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    entry = HttpEntry(create_app(MODELS, DATABASE_URL=None))
    with pytest.raises(LifespanFailure, match="DATABASE_URL"):
        entry(request("http_api", "/v1/models"), None)
    entry.loop.close()
