"""A provider's list of models is read for what it says, in each one's words."""

from __future__ import annotations

import json

import pytest

from shared.wire.model_list import Offered, read_model_list

# As the references of the providers show an entry.
ENTRIES = {
    "openai": (
        {"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "openai"},
        Offered("gpt-4o"),
    ),
    "anthropic": (
        {
            "type": "model",
            "id": "claude-opus-5-5",
            "max_input_tokens": 10**6,
            "max_tokens": 128_000,
        },
        Offered("claude-opus-5-5", context_window=10**6, max_tokens=128_000),
    ),
    "google": ({"id": "models/gemini-2.5-pro", "object": "model"}, Offered("gemini-2.5-pro")),
    "groq": (
        {"id": "openai/gpt-oss-20b", "context_window": 131_072, "max_completion_tokens": 65_536},
        Offered("openai/gpt-oss-20b", context_window=131_072, max_tokens=65_536),
    ),
    "fireworks": (
        {
            "id": "accounts/fireworks/models/glm-5p3",
            "supports_chat": True,
            "supports_image_input": False,
            "supports_tools": True,
            "context_length": 1_048_576,
        },
        Offered(
            "accounts/fireworks/models/glm-5p3",
            kind="chat",
            context_window=1_048_576,
            tools=True,
            vision=False,
        ),
    ),
    "together": (
        {"id": "BAAI/bge", "type": "embedding", "context_length": 512},
        Offered("BAAI/bge", kind="embedding", context_window=512),
    ),
    "together's images": ({"id": "flux", "type": "image"}, Offered("flux", kind="other")),
    "odd types": (
        {"id": "x", "type": 5, "context_length": "many", "max_tokens": True, "supports_tools": 1},
        Offered("x"),
    ),
    "out of bounds": ({"id": "x", "context_length": -1, "max_tokens": 10**12}, Offered("x")),
}


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("is_bare", [True, False], ids=["an array", "an object"])
def test_an_entry_says(name: str, is_bare: bool) -> None:  # noqa: FBT001
    entry, offered = ENTRIES[name]
    body = json.dumps([entry] if is_bare else {"object": "list", "data": [entry]})
    assert read_model_list(body.encode()) == (offered,)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"null", b"5", b'"x"', b"{}", b'{"data": null}', b'{"data": {}}', b"[]"),
        *(b'{"data": [null, 5, [], {"id": 5}, {"id": ""}, {}]}', b"[" * 100_000),
        json.dumps([{"id": "x" * 201}, {"id": "ü"}]).encode(),
    ],
)
def test_what_is_no_list_says_nothing(body: bytes) -> None:
    assert read_model_list(body) is None


def test_its_order_makes_no_difference() -> None:
    one, other = b'[{"id": "a"}, {"id": "b"}]', b'[{"id": "b"}, {"id": "a"}]'
    assert read_model_list(one) == read_model_list(other)
