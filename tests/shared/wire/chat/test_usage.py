"""Laws of usage as providers report it: parts within wholes, money exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.usage import normalize, read_usage
from shared.wire.usage import MAX_TOKENS, Counts


def read(text: str) -> Counts | None:
    return normalize(read_usage(msgspec.Raw(text.encode())))


def with_cost(cost: str) -> int | None:
    usage = read(f'{{"prompt_tokens":1,"completion_tokens":1,"cost":{cost}}}')
    assert usage is not None
    return usage.provider_cost_pico_usd


@given(st.integers(min_value=0, max_value=10**18))
def test_a_cost_is_exact_to_the_pico_usd(pico_usd: int) -> None:
    assert with_cost(f"{Decimal(pico_usd).scaleb(-12):f}") == pico_usd


@pytest.mark.parametrize(
    ("cost", "pico_usd"),
    [
        ("0", 0),
        ("0.1", 100_000_000_000),
        ("9.5e-06", 9_500_000),
        ("1E-12", 1),
        ("1e-999999999", 0),
        ("123456.123456789012", 123_456_123_456_789_012),
        ("null", None),
        ("-0.1", None),
        ("1e7", None),
        ("1e999999999", None),
        ('"0.1"', None),
        ("{}", None),
        ("true", None),
        ("0." + "1" * 60, None),
    ],
)
def test_a_cost_that_is_no_true_amount_is_unknown_and_spoils_no_usage(
    cost: str, pico_usd: int | None
) -> None:
    assert with_cost(cost) == pico_usd


DOUBTFUL = Counts(10, 20, is_doubtful=True)


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        # reasoning within the completion
        (
            {"total_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 15}},
            Counts(10, 20, reasoning_tokens=15),
        ),
        # reasoning apart, told or only in the total
        (
            {"total_tokens": 35, "completion_tokens_details": {"reasoning_tokens": 5}},
            Counts(10, 25, reasoning_tokens=5),
        ),
        ({"total_tokens": 35}, Counts(10, 25, reasoning_tokens=5)),
        # the cache apart
        (
            {"total_tokens": 37, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
            Counts(17, 20, cached_tokens=4, cache_write_tokens=3),
        ),
        # totals that prove nothing
        ({"total_tokens": 7}, Counts(10, 20)),
        ({"total_tokens": -5}, Counts(10, 20)),
        (
            {"total_tokens": 99, "completion_tokens_details": {"reasoning_tokens": 5}},
            Counts(10, 20, reasoning_tokens=5),
        ),
        # parts above their wholes, negative and absurd numbers
        ({"prompt_tokens_details": {"audio_tokens": 11}}, DOUBTFUL),
        ({"completion_tokens_details": {"audio_tokens": 21}}, DOUBTFUL),
        ({"completion_tokens_details": {"audio_tokens": -1}}, DOUBTFUL),
        ({"prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 5}}, DOUBTFUL),
        ({"total_tokens": MAX_TOKENS + 31}, Counts(10, 20)),
    ],
)
def test_parts_are_within_their_wholes_whether_the_provider_counts_them_so_or_apart(
    reported: dict[str, Any], usage: Counts
) -> None:
    counts = read(json.dumps({"prompt_tokens": 10, "completion_tokens": 20, **reported}))
    assert counts is not None
    assert msgspec.structs.replace(counts, total_tokens=None) == usage


COUNT = st.none() | st.integers(min_value=-3, max_value=50)


@given(
    st.fixed_dictionaries(
        {
            "prompt_tokens": COUNT,
            "completion_tokens": COUNT,
            "total_tokens": COUNT,
            "prompt_tokens_details": st.none()
            | st.fixed_dictionaries({"cached_tokens": COUNT, "cache_write_tokens": COUNT}),
            "completion_tokens_details": st.none()
            | st.fixed_dictionaries({"reasoning_tokens": COUNT, "audio_tokens": COUNT}),
        }
    )
)
def test_counts_always_add_up(reported: dict[str, Any]) -> None:
    counts = read(json.dumps(reported)) or Counts()
    if counts.prompt_tokens is not None:
        parts = (counts.cached_tokens or 0) + (counts.cache_write_tokens or 0)
        assert 0 <= parts <= counts.prompt_tokens
    if counts.completion_tokens is not None:
        assert 0 <= (counts.reasoning_tokens or 0) <= counts.completion_tokens
    for name in ("prompt_tokens", "completion_tokens"):
        if (reported[name] or -1) >= 0:
            assert getattr(counts, name) >= reported[name]


_NUMBERS = st.one_of(
    st.integers(-3, MAX_TOKENS + 3), st.none(), st.floats(-1, 9), st.text("09", max_size=2)
)


@given(prompt=_NUMBERS, completion=_NUMBERS, total=_NUMBERS)
def test_three_numbers_alone_are_read_as_where_more_could_be_told(
    prompt: Any, completion: Any, total: Any
) -> None:
    told = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    assert read(json.dumps(told)) == read(json.dumps({**told, "prompt_tokens_details": {}}))
