"""Laws of what some models take less of than their provider's others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.efforts import nearest_effort
from shared.wire.chat.request import decode_chat
from shared.wire.dialect import dialect_of
from shared.wire.provider import Auth
from shared.wire.translated import Sending

TOOLS = [{"type": "function", "function": {"name": "f"}}]


def sent(
    slug: str, model: str, *, is_named: bool = False, **fields: object
) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    name = "anthropic" if slug == "anthropic" else "openai"
    chat = decode_chat(json.dumps(body).encode())
    translated = dialect_of(name, slug, Auth.BEARER).request(
        chat, Sending(model, is_named=is_named)
    )
    return json.loads(translated.body), translated.dropped


@pytest.mark.parametrize(
    ("asked", "known", "nearest"),
    [
        ("high", ("low", "high"), "high"),
        ("xhigh", ("low", "high", "max"), "high"),
        ("minimal", ("low", "medium"), "low"),
        ("none", ("minimal", "low"), "minimal"),
        ("medium", ("none", "default"), "default"),
        ("none", ("none", "default"), "none"),
        ("high", (), None),
        ("heroic", ("low",), None),
    ],
)
def test_the_nearest_effort(asked: str, known: tuple[str, ...], nearest: str | None) -> None:
    assert nearest_effort(asked, known) == nearest


@pytest.mark.parametrize(
    ("slug", "model", "asked", "arrives"),
    [
        ("openai", "gpt-6-astra", "none", "low"),
        ("openai", "gpt-6.1-sol", "minimal", "low"),
        ("openai", "gpt-5-mini", "xhigh", "high"),
        ("openai", "gpt-4.1", "low", None),
        ("openai", "o3", "minimal", "low"),
        ("openai", "a-model-to-come", "max", "max"),
        ("google", "gemini-3.8-flash", "none", "minimal"),
        ("google", "gemini-2.5-flash-lite", "none", "none"),
        ("google", "gemini-3.8-flash", "xhigh", "high"),
        ("groq", "openai/gpt-oss-20b", "xhigh", "high"),
        ("groq", "qwen/qwen3.8-27b", "low", "default"),
        ("groq", "llama-3.3-70b-versatile", "low", None),
        ("fireworks", "accounts/fireworks/models/kimi-k3", "minimal", "low"),
        ("fireworks", "accounts/fireworks/models/glm-5p3", "low", "high"),
        ("together", "zai-org/GLM-5.3", "max", "high"),
        ("openrouter", "any/model", "xhigh", "xhigh"),
    ],
)
def test_an_effort_that_the_version_lacks_becomes_the_nearest_and_is_named(
    slug: str, model: str, asked: str, arrives: str | None
) -> None:
    for is_named in (True, False):
        body, dropped = sent(slug, model, is_named=is_named, reasoning_effort=asked)
        assert body.get("reasoning_effort") == arrives
        assert dropped == (() if arrives == asked else ("reasoning_effort",))


@pytest.mark.parametrize(
    ("model", "asked", "arrives", "names"),
    [
        ("claude-opus-4-7", "xhigh", {"effort": "xhigh"}, ()),
        ("claude-sonnet-4-6", "xhigh", {"effort": "high"}, ("reasoning_effort",)),
        ("claude-opus-4-5-20251101", "max", {"effort": "high"}, ("reasoning_effort",)),
        ("claude-haiku-5-5", "minimal", {"effort": "low"}, ("reasoning_effort",)),
        ("claude-haiku-4-5", "high", None, ("reasoning_effort",)),
        ("claude-3-5-sonnet-20241022", "high", None, ("reasoning_effort",)),
        ("claude-opus-5-5", "none", {"effort": "low"}, ("reasoning_effort",)),
        ("glm-5.3", "max", {"effort": "max"}, ()),
    ],
)
def test_an_effort_at_claude(
    model: str, asked: str, arrives: object, names: tuple[str, ...]
) -> None:
    body, dropped = sent("anthropic", model, reasoning_effort=asked)
    assert (body.get("output_config"), dropped) == (arrives, names)


def test_thinking_is_switched_off_where_it_can_be() -> None:
    body, dropped = sent("anthropic", "claude-sonnet-5-5", reasoning_effort="none")
    assert (body["thinking"], dropped) == ({"type": "disabled"}, ())


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-20250219", 64_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-opus-4-5-20251101", 64_000),
        ("claude-haiku-4-5@20251001", 64_000),
        ("claude-sonnet-4-6", 128_000),
        ("claude-opus-5-5", 128_000),
        ("glm-5.3", 8192),
    ],
)
def test_an_answer_may_be_as_long_as_the_model_can_make_it(model: str, limit: int) -> None:
    assert sent("anthropic", model)[0]["max_tokens"] == limit


def test_more_than_a_model_can_answer_is_all_that_it_can() -> None:
    body, dropped = sent("anthropic", "claude-haiku-4-5", max_tokens=200_000)
    assert (body["max_tokens"], dropped) == (64_000, ("max_tokens",))
    body, dropped = sent("anthropic", "glm-5.3", max_completion_tokens=200_000)
    assert (body["max_tokens"], dropped) == (200_000, ())


@pytest.mark.parametrize("slug", ["openai", "anthropic"])
def test_sampling_is_left_out_and_named_where_a_level_chose_the_model(slug: str) -> None:
    model = {"openai": "gpt-6-luna", "anthropic": "claude-opus-5-5"}[slug]
    body, dropped = sent(slug, model, temperature=0.2, top_p=0.9)
    assert {"temperature", "top_p"}.isdisjoint(body)
    assert set(dropped) == {"temperature", "top_p"}


@pytest.mark.parametrize(
    ("slug", "model", "name"),
    [
        ("openai", "gpt-6-luna", "temperature"),
        ("openai", "o3", "presence_penalty"),
        ("openai", "gpt-5.2", "top_p"),
        ("anthropic", "claude-opus-5-5", "temperature"),
    ],
)
def test_sampling_is_refused_by_name_where_the_caller_named_its_model(
    slug: str, model: str, name: str
) -> None:
    asked = {name: 0.2, "reasoning_effort": "high"}
    with pytest.raises(InvalidField, match=f"takes no {name}") as refused:
        sent(slug, model, is_named=True, **asked)
    assert (refused.value.param, refused.value.code) == (name, "unsupported_parameter")
    body, dropped = sent(slug, model, is_named=True, drop_params=True, **asked)
    assert (name in body, dropped) == (False, (name,))


@pytest.mark.parametrize(
    ("model", "fields", "samples"),
    [
        ("gpt-4.1", {}, True),
        ("gpt-5.2", {}, True),
        ("gpt-5.2", {"reasoning_effort": "low"}, False),
        ("gpt-6-luna", {"reasoning_effort": "none"}, True),
        ("gpt-6-luna", {"reasoning_effort": "low"}, False),
        ("gpt-5-nano", {}, False),
        ("o3", {}, False),
    ],
)
def test_gpt_samples_where_it_does_not_think(
    model: str, fields: dict[str, object], samples: bool
) -> None:
    assert ("temperature" in sent("openai", model, temperature=0.2, **fields)[0]) is samples


def test_a_default_asks_for_nothing_and_is_not_named() -> None:
    body, dropped = sent("openai", "gpt-6-luna", temperature=1, presence_penalty=0)
    assert ({"temperature", "presence_penalty"} & body.keys(), dropped) == (set(), ())


def test_a_model_that_calls_only_unthinking_is_sent_that_effort_beside_tools() -> None:
    body, dropped = sent("openai", "gpt-6-luna", tools=TOOLS)
    assert (body["reasoning_effort"], dropped) == ("none", ())
    body, dropped = sent("openai", "gpt-6-luna", tools=TOOLS, reasoning_effort="high")
    assert (body["reasoning_effort"], dropped) == ("none", ("reasoning_effort",))
    assert "reasoning_effort" not in sent("openai", "gpt-6-luna", tools=[])[0]
