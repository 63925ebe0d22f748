"""No text in any place of any route is a 500: it works, or the answer says what is wrong."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

# Not what compresses: an index has room for a long text of one letter.
LONG = "".join(random.Random(7).choices(string.printable[:94], k=900_000)).replace("\\", "-")
IN_URLS = ["%00", "a%00b", "%ed%a0%80", "%ff", "%0d%0aX:1", "%1b%5b2J", "%C2%9B", "x" * 5000]
IN_URLS += ["9" * 30]
IN_JSON = ['"a\\u0000b"', '"\\ud800"', '"\\u001b[2J"', '"a\\nb"', '{"\\u0000": "\\u0000"}']
OF_USAGE = ("start", "end", "team", "provider", "model", "power_level", "key", "billed_to")
OF_USAGE += ("simulated", "state", "cost_quality", "user", "limit", "cursor", "group_by", "format")


@pytest.fixture(scope="module")
def web(new_place: NewPlace, simulated: SimulatedProvider) -> Iterator[UvicornServer]:
    deployment = Deployment(**new_place("texts")._asdict(), simulated_url=simulated.url)
    with deployment.web() as running:
        yield running


@pytest.fixture(scope="module")
def admin(web: UvicornServer) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer admin-token", "content-type": "application/json"}
    with httpx.Client(base_url=web.url, headers=headers, timeout=60) as client:
        yield client


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def fields_of(operation: Any, schemas: Any) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema.get("properties", {})


def requests_of(document: Any) -> Iterator[tuple[str, str, bytes | None]]:
    """Method, target and body: each place in turn with each text."""
    schemas = document.get("components", {}).get("schemas", {})
    for method, path, operation in operations(document):
        plain = re.sub(r"\{[^}]*\}", "1", path)
        takes_body = method in ("POST", "PUT", "PATCH")
        if plain != path:
            for text in IN_URLS:
                yield method, re.sub(r"\{[^}]*\}", text, path), b"{}" if takes_body else None
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        for name in [*names, *(OF_USAGE if "/usage" in path else []), "unknown"]:
            for text in IN_URLS:
                yield method, f"{plain}?{name}={text}", b"{}" if takes_body else None
        for name in [*fields_of(operation, schemas), "unknown"] if takes_body else []:
            for text in [*IN_JSON, json.dumps(LONG)]:
                yield method, plain, f'{{"{name}": {text}}}'.encode()
            yield method, plain, b'{"%b": "\xff"}' % name.encode()


def test_no_text_in_any_place_of_any_route_is_a_fault_of_ours(admin: httpx.Client) -> None:
    document = admin.get("/openapi/openapi.json").json()
    faults: list[str] = []
    requests = list(requests_of(document))
    for method, target, body in requests:
        answer = admin.request(method, target, content=body)
        if answer.status_code >= 500:
            faults.append(f"{method} {target[:80]} {(body or b'')[:80]!r} -> {answer.text[:80]}")
    assert len(requests) > 1500
    assert faults == []


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("access-tokens", {"user_id": "a\x1b[2J", "tier": "free"}, "user_id"),
        ("access-tokens", {"user_id": "a\nb", "tier": "free"}, "user_id"),
        ("access-tokens", {"user_id": "a", "tier": "free", "allowed_models": ["\x00"]}, None),
        ("providers", {"provider": "p", "base_url": "https://a.example", "name": "\u202e"}, "name"),
        ("providers", {"provider": "p", "base_url": "https://a.example", "a\x00": 1}, "body"),
        ("models", {"provider": "openai", "model_id": "m", "description": "\x9b2J"}, None),
    ],
)
def test_a_stored_text_has_no_control_character(
    admin: httpx.Client, path: str, fields: dict[str, Any], param: str | None
) -> None:
    answer = admin.post(f"/api/v1/admin/llm/{path}", json=fields)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == (param or next(reversed(fields)))
    assert "control character" in error["message"]


def test_a_description_may_have_lines_and_a_pasted_key_its_line_break(admin: httpx.Client) -> None:
    lines = {"provider": "lines", "base_url": "https://a.example/v1", "description": "one\ntwo"}
    assert admin.post("/api/v1/admin/llm/providers", json=lines).status_code == 201
    key = {"provider": "openai", "api_key": "sk-test-1234567890abcdefghijklmnop\n"}
    assert admin.post("/api/v1/llm/byok/keys", json=key).status_code == 200


def test_a_body_of_fields_may_have_1_mb(
    admin: httpx.Client,
) -> None:
    large = admin.post("/api/v1/llm/byok/keys", content=b" " * (1024 * 1024 + 1))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")


def test_a_label_with_nul_is_billed_like_any_other(admin: httpx.Client, web: UvicornServer) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "user": "nul\x00here"}
    answer = admin.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    assert answer.json()["_metadata"]["cost_incurred"] > 0


def test_a_body_that_is_not_utf8_is_told_so(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/llm/byok/keys", content=b'{"provider": "\xff"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_utf8")


@pytest.mark.parametrize("body", [b"[" * 15_000, b'{"a": [' + b"{}," * 20_000 + b"{}]}"])
def test_a_body_of_fields_may_hold_so_many_values(admin: httpx.Client, body: bytes) -> None:
    """Each text in it is looked at: 1 MB of empty objects held the process up for a second."""
    answer = admin.post("/api/v1/llm/byok/keys", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("json_too_deep", "json_too_large")
