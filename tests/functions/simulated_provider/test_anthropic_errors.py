"""What Anthropic's Messages API refuses, and how (platform.claude.com/docs/en/api/errors)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.uvicorn_server import UvicornServer

KEY = {"x-api-key": "sk-ant-test-7890"}
VERSION = {"anthropic-version": "2023-06-01"}


def body(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "hello"}]
    return {"model": "m", "max_tokens": 100, "messages": messages} | fields


def assert_error(answer: httpx.Response, kind: str) -> None:
    said = answer.json()
    assert set(said) == {"type", "error", "request_id"}
    assert (said["type"], set(said["error"])) == ("error", {"type", "message"})
    assert said["error"]["type"] == kind
    assert said["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user"}]}, "content"),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_400_and_the_field_named(
    anthropic: httpx.Client, fields: dict[str, Any], named: str
) -> None:
    answer = anthropic.post("/messages", json=body() | fields)
    assert answer.status_code == 400
    assert_error(answer, "invalid_request_error")
    assert named in answer.json()["error"]["message"]


def test_max_tokens_is_required(anthropic: httpx.Client) -> None:
    asked = body()
    del asked["max_tokens"]
    answer = anthropic.post("/messages", json=asked)
    assert answer.status_code == 400
    assert "max_tokens" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        (VERSION, 401, "authentication_error"),
        (VERSION | {"x-api-key": "invalid"}, 401, "authentication_error"),
        (KEY, 400, "invalid_request_error"),
        (VERSION | {"authorization": "Bearer sk-ant-oat"}, 200, None),
    ],
)
@pytest.mark.parametrize("path", ["messages", "models", "models/m"])
def test_a_key_and_a_version_are_required(
    provider: UvicornServer, path: str, headers: dict[str, str], status: int, kind: str | None
) -> None:
    method = "POST" if path == "messages" else "GET"
    url = f"{provider.url}/anthropic/v1/{path}"
    answer = httpx.request(method, url, headers=headers, json=body(), trust_env=False)
    assert answer.status_code == status
    if kind is not None:
        assert_error(answer, kind)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not_found_error"),
        ("GET", "/messages", 405, "invalid_request_error"),
    ],
)
def test_every_refusal_has_anthropics_shape(
    anthropic: httpx.Client, method: str, path: str, status: int, kind: str
) -> None:
    answer = anthropic.request(method, path)
    assert answer.status_code == status
    assert_error(answer, kind)
