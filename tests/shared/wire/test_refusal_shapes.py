"""A refusal in each shape that providers and what stands before them send, read to its words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import (
    ContextTooLong,
    ProviderLacksFeature,
    ProviderRefusedRequest,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)
from shared.wire.refusal import read_refusal

NOW = datetime(2026, 11, 28, tzinfo=UTC)
EXTRA = [{"type": "extra_forbidden", "loc": ["body", "messages", 1, "name"], "msg": "Extra"}]
SHAPES: dict[str, tuple[Any, str, str | None, str | None]] = {
    "OpenAI": (
        {"error": {"message": "No", "code": "c", "param": "a.b[0].c"}},
        "No",
        "c",
        "a.b[0].c",
    ),
    "vLLM, at the top": (
        {"object": "error", "message": "No", "param": "top_k"},
        "No",
        None,
        "top_k",
    ),
    "xAI": ({"code": "Client specified an invalid argument", "error": "No"}, "No", None, None),
    "FastAPI": ({"detail": "No"}, "No", None, None),
    "Mistral": (
        {"object": "error", "message": {"detail": EXTRA}, "type": "invalid_request_error"},
        *("Extra", "invalid_request_error", "messages.1.name"),
    ),
    "Mistral, as a text": (
        {"message": json.dumps({"detail": EXTRA}), "code": "1000"},
        *("Extra", "extra_forbidden", "messages.1.name"),
    ),
    "OpenRouter": (
        {
            "error": {
                "code": 400,
                "message": "Provider returned error",
                "metadata": {"raw": json.dumps({"error": {"message": "No", "code": "c"}})},
            }
        },
        *("No", "c", None),
    ),
    "Google, in a list": (
        [{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}],
        *("No", "INVALID_ARGUMENT", None),
    ),
    "Anthropic": (
        {"type": "error", "error": {"type": "invalid_request_error", "message": "No"}},
        *("No", "invalid_request_error", None),
    ),
    "Cloudflare": (
        {"success": False, "errors": [{"code": 7003, "message": "No"}]},
        "No",
        None,
        None,
    ),
    "in a choice": ({"choices": [{"error": {"message": "No", "code": "c"}}]}, "No", "c", None),
    "a field of a strange type": (
        {"error": {"message": "No", "code": {}, "param": 7}},
        "No",
        None,
        None,
    ),
    "half a surrogate pair": ({"error": {"message": "No \ud83d"}}, "No", None, None),
}


def refusal(status: int, body: bytes, provider: str = "custom") -> UpstreamError:
    return read_refusal(provider, status, body, None, NOW)


@pytest.mark.parametrize("name", SHAPES)
def test_words_code_and_field_are_found_in_every_shape(name: str) -> None:
    body, text, code, param = SHAPES[name]
    error = refusal(400, json.dumps(body).encode())
    assert f": {text}" in error.message
    assert (error.provider_code, error.param) == (code, param)
    assert error.detail is not None
    assert text in error.detail


def test_a_code_behind_a_proxy_means_what_it_means() -> None:
    raw = json.dumps({"error": {"message": "No", "code": "context_length_exceeded"}})
    body = {"error": {"code": 400, "message": "x", "metadata": {"raw": raw}}}
    assert type(refusal(400, json.dumps(body).encode(), "openrouter")) is ContextTooLong
    body = {"message": {"detail": EXTRA}, "type": "invalid_request_error"}
    assert type(refusal(422, json.dumps(body).encode(), "mistral")) is ProviderLacksFeature


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_the_operators_fault_and_named(status: int) -> None:
    error = refusal(status, b'{"error":{"code":"invalid_api_key"}}')
    assert type(error) is ProviderUnavailable
    assert str(status) in error.message
    assert "base URL" in error.message


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 502])
@pytest.mark.parametrize(
    "page", [b"<html>", b"  <!DOCTYPE html><title>Blocked at 10.0.0.7</title>"]
)
def test_a_web_page_blames_no_key_and_no_caller(status: int, page: bytes) -> None:
    error = refusal(status, page)
    assert type(error) is ProviderUnavailable
    assert "web page" in error.message
    assert "10.0.0.7" not in error.message


@pytest.mark.parametrize("status", [200, 201, 204])
def test_what_is_no_answer_in_a_success_is_the_providers_fault(status: int) -> None:
    for body in (b"", b"{}", b"[]", b'{"choices":[]}', b"null", b"\xff\xfe"):
        assert type(refusal(status, body)) is ProviderUnavailable


def test_a_plain_sentence_is_told_and_what_was_cut_is_not() -> None:
    error = refusal(503, b"upstream connect error before headers\n")
    assert error.message.endswith("upstream connect error before headers.")
    error = refusal(400, b'{"error":{"message":"' + b"x" * 70_000)
    assert error.message == "custom refused the request (400)."


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"error":' * 9_000, b"9" * 60_000, b"\0" * 999])
def test_no_body_is_too_strange_to_be_read(body: bytes) -> None:
    assert type(refusal(400, body)) is ProviderRefusedRequest
    assert type(refusal(404, body)) is UnknownUpstreamModel
