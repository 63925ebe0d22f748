"""The law of paid.py, held against gateways that break it."""

from __future__ import annotations

import pytest

from tests.fakes.told_provider import Told
from tests.wire.paid import Tries, complaints


def provider(*, answered: int = 0, failed: int = 0) -> dict[str, Told]:
    told = Told()
    told.says(b"an answer")
    for _ in range(answered):
        told.count()
    told.fails(b"an error")
    for _ in range(failed):
        told.count()
    return {"p": told}


@pytest.mark.parametrize(
    ("told", "rows"),
    [
        (provider(answered=1), Tries(delivered=1)),
        (provider(failed=2), Tries(failed=2)),
        (provider(answered=3, failed=1), Tries(delivered=3, failed=1)),
    ],
)
def test_a_gateway_that_delivers_what_it_pays_for_is_not_complained_of(
    told: dict[str, Told], rows: Tries
) -> None:
    assert list(complaints(told, {"p": rows})) == []


@pytest.mark.parametrize(
    ("told", "rows"),
    [
        pytest.param(provider(answered=1), {"p": Tries(failed=1)}, id="thrown away, and noted"),
        pytest.param(provider(answered=2), {"p": Tries(delivered=1)}, id="bought twice"),
        pytest.param(provider(answered=1), {}, id="no row"),
        pytest.param(provider(failed=1), {"p": Tries(delivered=1)}, id="an error delivered"),
        pytest.param(provider(failed=2), {"p": Tries(failed=1)}, id="a failure without a row"),
    ],
)
def test_what_is_thrown_away_is_complained_of(
    told: dict[str, Told], rows: dict[str, Tries]
) -> None:
    assert list(complaints(told, rows))
