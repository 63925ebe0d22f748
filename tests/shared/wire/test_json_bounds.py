"""Laws of how much JSON a body may hold: exact, whatever its strings hold, and in linear time."""

from __future__ import annotations

import json
import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedBody
from shared.wire import json_bounds
from shared.wire.json_bounds import MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES, check_json

texts = st.text(alphabet='"\\[]{},:a\n\u00e9', max_size=8)
values = st.recursive(
    st.integers() | texts | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=30,
)


def inside(value: object) -> list[object] | None:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None


def nesting(value: object) -> int:
    inner = inside(value)
    return 0 if inner is None else 1 + max((nesting(one) for one in inner), default=0)


def containers(value: object) -> int:
    inner = inside(value)
    return 0 if inner is None else 1 + sum(containers(one) for one in inner)


def refusal(body: bytes) -> str | None:
    try:
        check_json(body)
    except MalformedBody as error:
        return error.code
    return None


@given(values, st.integers(1, 9), st.integers(1, 6), st.integers(0, 12))
def test_depth_and_number_are_those_of_the_value_however_it_is_cut_into_pieces(
    value: object, piece: int, depth: int, most: int
) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    with (
        patch.multiple(json_bounds, _PIECE_BYTES=piece, _SMALL_BYTES=0),
        patch.multiple(json_bounds, MAX_DEPTH=depth, MAX_CONTAINERS=most),
    ):
        code = refusal(body)
    if nesting(value) <= depth and containers(value) <= most:
        assert code is None
    elif nesting(value) > depth:
        assert code in ("json_too_deep", "json_too_large")
    else:
        assert code == "json_too_large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(json.dumps([{}] * 1000).encode(), None, id="many that do not nest"),
        pytest.param(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None, id="as deep as may be"),
        pytest.param(b"[" * 65 + b"]" * 65, "json_too_deep", id="one level more"),
        pytest.param(b"[" * 10**6, "json_too_deep", id="a million levels"),
        pytest.param(b"[" + b"[]," * MAX_CONTAINERS + b"1]", "json_too_large", id="many lists"),
        pytest.param(b"[" + b"1," * MAX_VALUES + b"1,1]", "json_too_large", id="many numbers"),
        pytest.param(b"{" + b'"":1,' * (MAX_VALUES + 1) + b'"":1}', "json_too_large", id="keys"),
        pytest.param(b"]" * (2 * MAX_CONTAINERS + 1), "json_too_large", id="only closing"),
        pytest.param(b'"' * (4 * MAX_VALUES + 1), "json_too_large", id="only quotes"),
        pytest.param(b'"' + b"[{" * 10**6 + b'"', None, id="brackets in a string"),
        pytest.param(b'"' + b'\\"' * 10**6 + b'"', None, id="a string of escaped quotes"),
    ],
)
def test_a_body_is_refused_for_what_it_holds(body: bytes, code: str | None) -> None:
    assert refusal(body) == code


@pytest.mark.parametrize(
    "unit",
    [b'\\"', b"\\", b'"', b"{},", b'"",', b"1,", b"]", b"\\n", b'"[",', b"x", b"[", b'"a":'],
)
def test_twice_a_hostile_body_takes_less_than_three_times_the_work(unit: bytes) -> None:
    def cpu_s(size: int) -> float:
        body = b'{"messages":' + b"[" * 60 + b'"' + unit * (size // len(unit))
        taken: list[float] = []
        for _ in range(5):
            begun = time.process_time()
            refusal(body)
            taken.append(time.process_time() - begun)
        return min(taken)

    assert cpu_s(4 << 20) < 3 * cpu_s(2 << 20) + 0.005
