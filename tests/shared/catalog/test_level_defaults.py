"""Each of the 21 defaults is sold under its id, with a price that its level allows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.catalog.genai_prices import known_model
from shared.migrate.seeds import POWER_LEVELS
from shared.pricing.price import PICO_USD_PER_TOKEN, parse_price
from shared.wire.providers import SEEDS, provider_of

CEILINGS = {name: ceiling for name, _, ceiling, _ in POWER_LEVELS}
DEFAULTS = [
    (slug, level, model_id)
    for slug in SEEDS
    for level, model_id in provider_of(slug).level_defaults.items()
]


def test_each_provider_has_one_for_each_level() -> None:
    assert len(DEFAULTS) == 21
    assert all(provider_of(slug).level_defaults.keys() == CEILINGS.keys() for slug in SEEDS)


@pytest.mark.parametrize(("slug", "level", "model_id"), DEFAULTS)
def test_a_default_has_a_price_under_the_ceiling_of_its_level(
    slug: str, level: str, model_id: str
) -> None:
    known = known_model(slug, model_id, datetime.now(UTC))
    assert known.source.startswith("genai-prices ")
    blended = parse_price(1, known.prices).base.blended
    assert 0 < blended <= CEILINGS[level] * PICO_USD_PER_TOKEN
