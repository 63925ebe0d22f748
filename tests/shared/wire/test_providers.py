"""Laws of the providers' files: all that is said of a provider is said in its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import PROVIDER_PREFIXES, ProviderSettings
from shared.wire import providers
from shared.wire.providers import KNOWN, SEEDS, provider_of

FILES = {path.stem for path in Path(providers.__file__).parent.glob("[a-z]*.py")}
RECORDED = Path(__file__).parents[2] / "recorded"


def test_each_file_is_the_provider_of_its_name() -> None:
    assert KNOWN.keys() == FILES


def test_the_ids_of_a_fresh_installation_count_from_one() -> None:
    assert [seed.id for seed in SEEDS.values()] == list(range(1, len(SEEDS) + 1))


def test_those_that_installations_have_keep_their_ids() -> None:
    assert list(SEEDS)[:7] == [
        *("openai", "anthropic", "google", "groq", "fireworks", "together", "openrouter")
    ]


@pytest.mark.parametrize("slug", SEEDS)
def test_a_built_in_provider_has_two_settings_named_after_it(slug: str) -> None:
    read = {field.alias for field in ProviderSettings.model_fields.values()}
    assert {f"{slug.upper()}_API_KEY", f"{slug.upper()}_BASE_URL"} <= read


def test_there_are_settings_of_built_in_providers_alone() -> None:
    assert PROVIDER_PREFIXES.keys() == SEEDS.keys()


@pytest.mark.parametrize("slug", KNOWN)
def test_each_provider_has_a_recorded_case(slug: str) -> None:
    assert [*(RECORDED / slug).iterdir()]


def test_a_stranger_is_taken_for_a_compatible_server() -> None:
    stranger = provider_of("a-server-of-ones-own")
    assert (stranger.seed, stranger.refusals, stranger.key_pattern) == (None, (), None)
