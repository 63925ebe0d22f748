"""Messages to a provider that speaks them itself: its path, its counts, and no byte moved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import USER, Deployment, row_of
from tests.fakes.place import NewPlace
from tests.fakes.uvicorn_server import UvicornServer

MODEL = "anthropic/claude-opus-5-5"
HEADERS = {
    "x-api-key": USER["authorization"].removeprefix("Bearer "),
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "context-1m-2025-08-07",
}
# Spaces, order, escapes and numbers as no encoder of ours would write them.
CACHED = {
    "system": b'[ {"text" : "Be \\u0062rief.", "type":"text",'
    b' "cache_control": {"type":"ephemeral"}}]',
    "tools": b'[{"input_schema": {"type":"object","properties": {"n": {"minimum": 1.50}}},'
    b' "cache_control":{"ttl":"1h","type":"ephemeral"}, "name":"f"}]',
    "messages": b'[{"content":[{"type":"text","text":"caf\\u00e9 \xf0\x9f\x98\x80",'
    b'"cache_control":{"type":"ephemeral"}}],"role":"user"}]',
}


@pytest.fixture(scope="module")
def model() -> Iterator[UvicornServer]:
    server = UvicornServer("tests.fakes.scripted_model:app", ready="/__asked", environment={})
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def through(new_place: NewPlace, model: UvicornServer) -> Iterator[tuple[Deployment, str]]:
    more = {
        "ANTHROPIC_BASE_URL": f"{model.url}/anthropic/v1",
        "ANTHROPIC_API_KEY": "sk-ant-api03-" + "x" * 80,
    }
    place = Deployment(**new_place("through")._asdict(), simulated_url=None, more=more)
    with place.worker(), place.web() as web:
        yield place, web.url


def body(**more: str) -> bytes:
    fields = [b'"%b" : %b' % (name.encode(), raw) for name, raw in CACHED.items()]
    fields += [b'"%b":%b' % (name.encode(), raw.encode()) for name, raw in more.items()]
    return b'{"model":"%b","max_tokens":9,%b}' % (MODEL.encode(), b", ".join(fields))


def post(url: str, content: bytes) -> httpx.Response:
    return httpx.post(url, content=content, headers=HEADERS, trust_env=False)


def last_asked(model: UvicornServer) -> dict[str, Any]:
    return httpx.get(f"{model.url}/__asked", trust_env=False).json()[-1]


@pytest.mark.parametrize("stream", ["true", "false"])
def test_what_a_cache_is_made_of_reaches_the_provider_unchanged(
    through: tuple[Deployment, str], model: UvicornServer, stream: str
) -> None:
    answer = post(f"{through[1]}/v1/messages", body(stream=stream, power_level="null"))
    assert answer.status_code == 200, answer.text
    asked = last_asked(model)
    hashes = {name: hashlib.sha256(raw).hexdigest() for name, raw in CACHED.items()}
    assert asked["hashes"] == {name: hashes[name] for name in asked["hashes"]} == hashes
    assert "power_level" not in asked["body"]
    assert asked["headers"]["anthropic-beta"] == HEADERS["anthropic-beta"]


@pytest.mark.parametrize(("query", "sent"), [("", ""), ("?beta=true", "?beta=true")])
def test_the_beta_half_of_an_sdk_stays_the_beta_half(
    through: tuple[Deployment, str], model: UvicornServer, query: str, sent: str
) -> None:
    assert post(f"{through[1]}/v1/messages{query}", body()).status_code == 200
    assert last_asked(model)["path"] == f"/anthropic/v1/messages{sent}"


@pytest.mark.parametrize("query", ["", "?beta=true"])
def test_tokens_are_counted_by_the_provider_free_of_charge(
    through: tuple[Deployment, str], query: str
) -> None:
    place, url = through
    before = len(place.rows())
    counted = post(f"{url}/v1/messages/count_tokens{query}", body()).json()
    assert counted["input_tokens"] == 4242
    assert counted["_metadata"]["estimated"] is False
    assert counted["_metadata"]["provider_used"] == "anthropic"
    answer = post(f"{url}/v1/messages", body())
    assert row_of(place, answer.headers["request-id"])["prompt_tokens"] == 100
    asked = {row["endpoint"] for row in place.rows()[before:]}
    assert asked == {"messages"}
