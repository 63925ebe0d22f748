"""A conversation that one provider began goes on at every other, and says there what it said."""

from __future__ import annotations

import pytest

from tests.fakes.strict.providers import SIGNATURES, STRICT
from tests.wire.pairs.beginnings import NO, SAID
from tests.wire.pairs.client import kept
from tests.wire.pairs.matrix import PAIRS, failures, sent

JSON_AND_SSE = pytest.mark.parametrize("streamed", [False, True], ids=["json", "sse"])


@JSON_AND_SSE
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_it_goes_on(first: str, second: str, streamed: bool) -> None:
    assert list(failures(first, second, streamed=streamed)) == []


@JSON_AND_SSE
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_what_was_said_arrives(first: str, second: str, streamed: bool) -> None:
    for name, texts in {
        "after thoughts": ("Be brief.", "Weather?", SAID, "And tomorrow?"),
        "after a refusal": (NO if kept(first, "refusal", streamed=streamed) else "", "a joke"),
        "after a call": ("Weather?", "get_weather", "Paris", "sunny"),
        "with results in another order": ("get_weather", "sunny"),
        "after cut arguments": ("Par", "the arguments were no JSON"),
        "with names and parts": ("brief.", "hi", "sunny", "Now!"),
    }.items():
        body = str(sent(first, second, name, streamed=streamed))
        assert [text for text in texts if text not in body] == [], name


@pytest.mark.parametrize("slug", STRICT)
def test_what_a_provider_began_it_gets_back_as_it_gave_it(slug: str) -> None:
    """Its own thoughts and signatures too, where its documents say that they go back."""
    own = {
        "google": "thought_signature': 'CiQB0e2Kb",
        "fireworks": "reasoning_content",
        "openrouter": "reasoning_details",
        "deepseek-like": "reasoning_content",
        "anthropic": SIGNATURES["anthropic"][0],
        "anthropic-like": SIGNATURES["anthropic-like"][1],
    }
    for streamed in (False, True):
        assert own.get(slug, "") in str(sent(slug, slug, "after a call", streamed=streamed))
