"""A sample of tests/wire/pairs for every run of the suite: each provider goes on with another's."""

from __future__ import annotations

import pytest

from tests.fakes.strict.providers import STRICT
from tests.wire.pairs.matrix import failures

SLUGS = list(STRICT)
RING = list(zip(SLUGS, [*SLUGS[1:], SLUGS[0]], strict=True))


@pytest.mark.parametrize("streamed", [False, True], ids=["json", "sse"])
@pytest.mark.parametrize(("first", "second"), RING)
def test_it_goes_on(first: str, second: str, streamed: bool) -> None:
    assert list(failures(first, second, streamed=streamed)) == []
