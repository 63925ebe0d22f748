"""The Embeddings door, through a gateway: vectors, bills, lists, and errors in OpenAI's words."""

from __future__ import annotations

import base64
import struct
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fakes.admin import eventually
from tests.fakes.gateway import ADMIN, USER, Deployment, row_of
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/v1/embeddings"
SMALL = "text-embedding-3-small"
PRICE = Decimal("0.00000002")
"""USD a token of SMALL, in genai-prices."""


def ask(gateway: UvicornServer, path: str = PATH, **body: Any) -> httpx.Response:
    whole = {"model": SMALL, "input": "the quick brown fox", **body}
    return httpx.post(gateway.url + path, json=whole, headers=USER, trust_env=False)


def listed(gateway: UvicornServer, query: str = "") -> dict[str, Any]:
    answer = httpx.get(f"{gateway.url}/v1/models{query}", headers=USER, trust_env=False)
    return {one["id"]: one for one in answer.json()["data"]}


def test_a_text_is_a_vector_with_metadata_and_a_row(
    deployment: Deployment, gateway: UvicornServer
) -> None:
    answer = ask(gateway, user="ann")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["object"], said["model"], len(said["data"])) == ("list", SMALL, 1)
    assert len(said["data"][0]["embedding"]) == 1536
    told, tokens = said["_metadata"], said["usage"]["prompt_tokens"]
    assert (told["provider_used"], told["model_used"]) == ("openai", SMALL)
    assert (told["power_level"], told["cost_quality"]) == (None, "measured")
    assert told["request_id"] == answer.headers["x-request-id"]
    row = row_of(deployment, told["request_id"])
    assert (row["endpoint"], row["end_user"], row["is_simulated"]) == ("embeddings", "ann", True)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (tokens, 0)
    assert row["total_tokens"] == tokens
    assert row["cost_total_usd"] == PRICE * tokens
    assert Decimal(str(told["cost_incurred"])) == row["cost_total_usd"]


@pytest.mark.parametrize(
    ("given", "count"),
    [(["a b", "c"], 2), ([1, 2, 3], 1), ([[1, 2], [3], [4]], 3)],
    ids=["texts", "tokens", "token arrays"],
)
def test_each_input_has_its_vector(gateway: UvicornServer, given: Any, count: int) -> None:
    said = ask(gateway, input=given, dimensions=16).json()
    assert [one["index"] for one in said["data"]] == list(range(count))
    assert {len(one["embedding"]) for one in said["data"]} == {16}


def test_base64_is_the_same_vector(gateway: UvicornServer) -> None:
    numbers = ask(gateway, dimensions=8).json()["data"][0]["embedding"]
    text = ask(gateway, dimensions=8, encoding_format="base64").json()["data"][0]["embedding"]
    assert struct.unpack("<8f", base64.b64decode(text)) == pytest.approx(numbers, abs=1e-6)


def test_the_simulated_vectors_of_like_texts_are_near(gateway: UvicornServer) -> None:
    texts = ["the quick brown fox", "a quick brown dog", "annual budget report"]
    one, like, other = (x["embedding"] for x in ask(gateway, input=texts).json()["data"])

    def nearness(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert nearness(one, like) > nearness(one, other) + 0.2


@pytest.mark.parametrize(
    "model", [SMALL, f"openai/{SMALL}", "gemini-embedding-001", "google/gemini-embedding-001"]
)
def test_a_key_opens_the_embedding_models_that_have_a_price(
    gateway: UvicornServer, model: str
) -> None:
    answer = ask(gateway, path="/api/v1/llm/embeddings", model=model)
    assert answer.status_code == 200, answer.text
    assert answer.json()["_metadata"]["cost_incurred"] > 0


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"model": "gpt-6.1-terra"}, 400, "not_an_embedding_model", "model"),
        ({"model": "claude-opus-5-5"}, 400, "not_an_embedding_model", "model"),
        ({"model": "gpt-4o-mini"}, 400, "not_an_embedding_model", "model"),
        ({"model": "eco"}, 400, "not_an_embedding_model", "model"),
        ({"model": "auto"}, 400, "not_an_embedding_model", "model"),
        ({"model": "text-embedding-99"}, 404, "model_not_found", "model"),
        ({"model": None}, 400, "missing_required_parameter", "model"),
        ({"models": ["gemini-embedding-001"]}, 400, "mixed_embedding_models", "model"),
        ({"power_level": "eco"}, 400, "invalid_value", "power_level"),
        ({"input": []}, 400, "invalid_value", "input"),
        ({"max_cost_usd": 1e-9}, 400, "no_candidate", "max_cost_usd"),
        ({"input": "word " * 20_000}, 400, "context_length_exceeded", "input"),
    ],
)
def test_errors_have_openais_shape_and_say_what_to_do(
    gateway: UvicornServer, body: Any, status: int, code: str, param: str
) -> None:
    answer = ask(gateway, **body)
    said = answer.json()["error"]
    assert (answer.status_code, said["code"], said["param"]) == (status, code, param), answer.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_no_chat_is_answered_by_an_embedding_model(gateway: UvicornServer, path: str) -> None:
    body = {"model": SMALL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
    answer = httpx.post(gateway.url + path, json=body, headers=USER, trust_env=False)
    said = answer.json()["error"]
    assert (answer.status_code, said["code"]) == (400, "not_a_chat_model")
    assert "/v1/embeddings" in said["message"]


def test_a_ceiling_of_money_that_is_enough_is_kept(gateway: UvicornServer) -> None:
    answer = ask(gateway, max_cost_usd=0.001, dimensions=4, encoding_format="float")
    assert answer.status_code == 200, answer.text


def test_embedding_models_are_listed_as_such(gateway: UvicornServer) -> None:
    usable = listed(gateway)
    assert (usable[SMALL]["kind"], usable[SMALL]["dimensions"]) == ("embedding", 1536)
    assert usable["gpt-6.1-terra"]["kind"] == "chat"
    assert usable[SMALL]["usable"] is True
    one = httpx.get(f"{gateway.url}/v1/models/{SMALL}", headers=USER, trust_env=False).json()
    assert (one["usable"], one["unusable_reason"]) == (True, None)


@pytest.fixture
def aliases(gateway: UvicornServer) -> set[str]:
    """Names that this test has made: one of one model, one of two."""
    other = {"target": "google/gemini-embedding-001"}
    for name, target in (
        ("embedder", f"openai/{SMALL}"),
        ("mixer", [{"target": f"openai/{SMALL}", "weight": 1}, {**other, "weight": 1}]),
    ):
        body = {"name": name, "target": target}
        url = gateway.url + "/api/v1/admin/llm/aliases"
        made = httpx.post(url, json=body, headers=ADMIN, trust_env=False)
        assert made.status_code == 201, made.text
    assert eventually(lambda: {"embedder", "mixer"} <= listed(gateway, "?all=true").keys())
    return {"embedder", "mixer"}


def test_an_alias_stands_for_one_embedding_model_alone(
    gateway: UvicornServer, aliases: set[str]
) -> None:
    assert ask(gateway, model="embedder").json()["_metadata"]["alias"] == "embedder"
    assert ask(gateway, model="mixer").json()["error"]["code"] == "mixed_embedding_models"
    assert aliases & listed(gateway).keys() == {"embedder"}


def test_a_missing_token_and_another_method_are_refused(gateway: UvicornServer) -> None:
    answer = httpx.post(gateway.url + PATH, json={"input": "a"}, trust_env=False)
    assert answer.status_code == 401
    answer = httpx.get(gateway.url + PATH, headers=USER, trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
