"""Laws of the fields by which a caller would steer what stands between us and a model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.wire.chat.request import decode_chat
from shared.wire.chat.steering import NEVER_SENT
from shared.wire.dialect import dialect_of
from shared.wire.provider import ANTHROPIC, Auth
from shared.wire.providers import KNOWN
from shared.wire.translated import Sending
from tests.fakes.strict.openai import DOCUMENTED

STEERING = {
    **dict.fromkeys(NEVER_SENT, "x"),
    "litellm_params": {"api_base": "http://x"},
    "litellm_session_id": "x",
    "mock_response": "x",
    "mock_testing_fallbacks": True,
    "aws_region_name": "x",
    "vertex_project": "x",
    "azure_ad_token": "x",
    "fallbacks": ["openai/gpt-very-dear"],
    "num_retries": 3,
}
EVERYONE = [*KNOWN, "a-server-of-ones-own"]


@pytest.mark.parametrize("slug", EVERYONE)
@pytest.mark.parametrize("drop_params", [False, True])
def test_none_of_them_goes_to_anybody_and_each_is_named(slug: str, drop_params: bool) -> None:
    fields = {"messages": [{"role": "user", "content": "hi"}], "drop_params": drop_params}
    chat = decode_chat(json.dumps({**fields, **STEERING}).encode())
    dialect = dialect_of(ANTHROPIC if slug == ANTHROPIC else "openai", slug, Auth.BEARER)
    translated = dialect.request(chat, Sending("m"))
    assert STEERING.keys().isdisjoint(json.loads(translated.body))
    assert set(translated.dropped) == STEERING.keys()


def test_a_proxy_is_sent_what_openai_documents_and_no_more() -> None:
    fields: dict[str, Any] = dict.fromkeys(
        DOCUMENTED - {"messages", "model", "stream", "stream_options"}, "x"
    )
    fields["n"] = 2
    fields |= {"a_field_of_next_year": "x", "thinking": "x", "extra_body": "x", "api_type": "x"}
    for name in ("max_tokens", "max_completion_tokens", "tools", "response_format", "user"):
        fields.pop(name)
    fields.pop("prompt_cache_key")
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    translated = dialect_of("openai", "litellm", Auth.BEARER).request(
        decode_chat(json.dumps(body).encode()), Sending("openai/m")
    )
    arrived = json.loads(translated.body).keys() - {"messages", "model"}
    assert arrived < DOCUMENTED
    assert set(translated.dropped) == fields.keys() - arrived
    assert "metadata" not in arrived


def test_metadata_and_store_go_to_openai_itself() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "metadata": {"a": "b"}, "store": True}
    chat = decode_chat(json.dumps(body).encode())
    for slug in EVERYONE:
        if slug == ANTHROPIC:
            continue
        sent = json.loads(dialect_of("openai", slug, Auth.BEARER).request(chat, Sending("m")).body)
        assert ("metadata" in sent) is (slug == "openai"), slug
