"""`max_cost_usd` bounds: whatever a request within it uses, it costs no more."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.completion.router import routing_request
from shared.errors import InvalidField, SwitchyardError
from shared.pricing.cost import cost_of
from shared.pricing.price import Price, PriceTier, Rates
from shared.routing.choose import choose
from shared.routing.fit import DropReason, most_tokens, why_unfit
from shared.routing.snapshot import Model, Snapshot
from shared.wire.chat.request import decode_chat
from shared.wire.usage import Usage
from tests.shared.completion.room import CALLER
from tests.shared.routing import catalog

FUNDED = frozenset({"openai", "anthropic", "google", "groq", "openrouter", "own"})
rate = st.integers(0, 50_000_000)
some_rate = st.none() | rate
rates = st.builds(
    Rates,
    input=rate,
    output=rate,
    cached=some_rate,
    cache_write=some_rate,
    cache_write_1h=some_rate,
    audio_input=some_rate,
    cached_audio=some_rate,
    reasoning=some_rate,
)
tiers = st.tuples(rates, rates).map(lambda pair: (PriceTier(0, pair[0]), PriceTier(200, pair[1])))
prices = st.builds(
    Price,
    version=st.just(1),
    tiers=tiers,
    service_tiers=st.just(()) | tiers.map(lambda one: (("priority", one),)),
)


def listed(price: Price, slug: str = "openai", **changes: Any) -> tuple[Snapshot, Model]:
    provider = catalog.provider(1, slug, **changes)
    model = msgspec.structs.replace(
        catalog.model(1, provider, "gpt", "balanced"),
        price=price,
        context_window=None,
        max_tokens=None,
    )
    return catalog.snapshot((model,), ()), model


def asked(**fields: Any) -> Any:
    body = {"model": "gpt", "messages": [{"role": "user", "content": "hi there"}], **fields}
    return routing_request(decode_chat(json.dumps(body).encode()), CALLER, {}, FUNDED)


@settings(max_examples=300)
@given(
    prices,
    st.integers(1, 128),
    st.floats(1e-6, 1.0),
    st.sampled_from([None, "default", "priority"]),
    st.booleans(),
    st.integers(0, 3),
    st.data(),
)
def test_any_usage_within_the_bound_costs_no_more(
    price: Price,
    n: int,
    usd: float,
    tier: str | None,
    caches: bool,
    images: int,
    data: st.DataObject,
) -> None:
    content: list[Any] = [{"type": "text", "text": "some words of a prompt " * 20}]
    if caches:
        content[0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    content += [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}] * images
    request = asked(
        messages=[{"role": "user", "content": content}], n=n, max_cost_usd=usd, service_tier=tier
    )
    snapshot, model = listed(price)
    try:
        candidate = choose(snapshot, request).candidates[0]
    except SwitchyardError:
        assume(condition=False)
        return
    most = most_tokens(model, request)
    allowed = candidate.max_tokens
    prompt = data.draw(st.integers(0, most.text))
    cached = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt - cached))
    completion = data.draw(st.integers(0, n * (10_000 if allowed is None else allowed)))
    usage = Usage(
        prompt,
        completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=data.draw(st.integers(0, written)) if caches else None,
        reasoning_tokens=data.draw(st.integers(0, completion)),
    )
    served = data.draw(st.sampled_from([None, tier]))
    assume(allowed is not None or completion == 0 or price.base.output == 0)
    assert cost_of(price, usage, served).total <= request.max_cost_pico_usd


def test_the_bound_is_shared_by_all_answers() -> None:
    snapshot, _ = listed(catalog.price(1, 5))
    one = choose(snapshot, asked(max_cost_usd=0.01)).candidates[0].max_tokens
    ten = choose(snapshot, asked(max_cost_usd=0.01, n=10)).candidates[0].max_tokens
    assert one is not None
    assert ten == one // 10


def test_the_prompt_counts_with_its_margin() -> None:
    _, model = listed(catalog.price(1, 5))
    request = asked(max_cost_usd=0.01)
    assert most_tokens(model, request).text == -(-request.prompt_tokens * 5 // 4) + 16


def test_more_than_the_window_cannot_be_used() -> None:
    _, model = listed(catalog.price(1, 5))
    model = msgspec.structs.replace(model, context_window=20)
    assert most_tokens(model, asked(max_cost_usd=0.01)).text == 20


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"plugins": [{"id": "web"}]}, "plugins"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"search_parameters": {"mode": "on"}}, "search_parameters"),
        ({"best_of": 20}, "best_of"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}, {"google_search": {}}]}, "tools[1]"),
        ({"extra_body": {"google": {}}}, "extra_body"),
        ({"provider": {"sort": "latency"}}, "provider"),
        ({"speed": "fast"}, "speed"),
        ({"max_tokens": 100_000, "max_completion_tokens": 5}, "max_tokens"),
        ({"a_field_of_tomorrow": 1}, "a_field_of_tomorrow"),
    ],
)
def test_what_has_a_price_of_its_own_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    asked(**fields)
    with pytest.raises(InvalidField) as refused:
        asked(**fields, max_cost_usd=0.01)
    assert refused.value.param == param
    assert refused.value.code == "unsupported_with_max_cost_usd"


def test_a_prediction_that_is_not_met_is_paid_for() -> None:
    snapshot, _ = listed(catalog.price(1, 5))
    predicted = {"type": "content", "content": "word " * 1000}
    plain = choose(snapshot, asked(max_cost_usd=0.01)).candidates[0].max_tokens
    less = choose(snapshot, asked(max_cost_usd=0.01, prediction=predicted)).candidates[0].max_tokens
    assert plain is not None
    assert less is not None
    assert plain - less > 1000


@pytest.mark.parametrize(
    ("tier", "reason"),
    [
        (None, None),
        ("auto", None),
        ("flex", None),
        ("priority", DropReason.UNPRICED_SERVICE_TIER),
        ("scale", DropReason.UNPRICED_SERVICE_TIER),
    ],
)
def test_a_service_tier_without_a_price_has_no_bound(
    tier: str | None, reason: DropReason | None
) -> None:
    _, model = listed(catalog.price(1, 5))
    assert why_unfit(model, asked(max_cost_usd=0.01, service_tier=tier)) is reason


@pytest.mark.parametrize(
    ("slug", "name", "reason"),
    [
        ("openrouter", "openai/gpt-6.1:online", DropReason.PRICED_BESIDE_TOKENS),
        ("openrouter", "openai/gpt-6.1", None),
        ("openai", "gpt-4o-search-preview", DropReason.PRICED_BESIDE_TOKENS),
        ("groq", "groq/compound-mini", DropReason.PRICED_BESIDE_TOKENS),
    ],
)
def test_a_model_that_searches_by_itself_has_no_bound(
    slug: str, name: str, reason: DropReason | None
) -> None:
    _, model = listed(catalog.price(1, 5), slug)
    model = msgspec.structs.replace(model, model_id=name)
    assert why_unfit(model, asked(max_cost_usd=0.01)) is reason
    assert why_unfit(model, asked()) is None


@pytest.mark.parametrize(
    ("slug", "dialect", "part", "reason"),
    [
        ("anthropic", "anthropic", "input_audio", DropReason.NO_AUDIO),
        ("own", "anthropic", "input_audio", DropReason.NO_AUDIO),
        ("anthropic", "anthropic", "file", None),
        ("groq", "openai", "input_audio", DropReason.NO_AUDIO),
        ("groq", "openai", "file", DropReason.NO_FILES),
        ("openai", "openai", "input_audio", None),
        ("own", "openai", "file", None),
    ],
)
def test_what_is_known_not_to_take_audio_or_files_drops_out(
    slug: str, dialect: str, part: str, reason: DropReason | None
) -> None:
    _, model = listed(catalog.price(1, 5), slug, dialect=dialect)
    request = asked(messages=[{"role": "user", "content": [{"type": part, part: {}}]}])
    assert why_unfit(model, request) is reason
    assert why_unfit(model, asked()) is None
