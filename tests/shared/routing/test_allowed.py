"""Which models a token may use, by names and by patterns."""

from __future__ import annotations

import msgspec
import pytest

from shared.completion.router import meant
from shared.errors import NotAllowed
from shared.routing.aliases import Alias, Aliases, Target
from shared.routing.allowed import allows
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Tier
from tests.shared.routing import catalog


@pytest.mark.parametrize(
    ("allowed", "model", "may"),
    [
        ("gpt-4o", "openai/gpt-4o", True),
        ("openai/gpt-4o", "openai/gpt-4o", True),
        ("gpt-*", "openai/gpt-4o", True),
        ("gpt-*", "openai/GPT-4o", False),
        ("gpt-*", "openrouter/openai/gpt-4o", False),
        ("openai/*", "openai/gpt-4o", True),
        ("openai/*", "openrouter/openai/gpt-4o", False),
        ("openai/*", "groq/openai/gpt-oss-20b", False),
        ("openrouter/openai/*", "openrouter/openai/gpt-4o", True),
        ("zai-org/*", "together/zai-org/GLM-5.3", True),
        ("*", "anything/at-all", True),
        ("*-mini", "openai/gpt-4o-mini", True),
        ("*-mini", "openai/gpt-4o-mini-2024", False),
        ("g*o", "openai/gpt-4o", True),
        ("openai*", "openai/gpt-4o", True),
        ("gpt-4o*", "openai/gpt-4", False),
    ],
)
def test_a_list_has_a_model(allowed: str, model: str, may: bool) -> None:  # noqa: FBT001
    slug, _, model_id = model.partition("/")
    assert allows(frozenset({allowed}), slug, model_id) is may


KEYED = frozenset(catalog.SLUGS)


def first(*, allowed: str, models: tuple[str, ...] = (), **want: object) -> str:
    """The first candidate's id, or `403`. `gpt-4o` is an alias of Claude, `small` of a level."""
    aliases = Aliases(
        [
            Alias("gpt-4o", (Target("claude-opus-5-5"),)),
            Alias("small", (Target("eco"),)),
            Alias("team-*", (Target("google/gemini-3.8-flash"),)),
        ]
    )
    snapshot = msgspec.structs.replace(catalog.snapshot(), aliases=aliases)
    plain = RoutingRequest(
        models, None, Tier.ENTERPRISE, KEYED, allowed_models=frozenset({allowed})
    )
    request, _ = meant(snapshot, msgspec.structs.replace(plain, **want), "session")
    try:
        return choose(snapshot, request).candidates[0].model.model_id
    except NotAllowed:
        return "403"


@pytest.mark.parametrize(
    ("allowed", "name", "goes_to"),
    [
        pytest.param("gpt-4o", "gpt-4o", "claude-opus-5-5", id="who may ask by an alias"),
        pytest.param("gpt-*", "gpt-4o", "claude-opus-5-5", id="or by a pattern that has it"),
        pytest.param("gpt-*", "claude-opus-5-5", "403", id="may not ask for what it stands for"),
        pytest.param("gemini-*", "gpt-4o", "403", id="who may not ask by the alias"),
        pytest.param("claude-*", "gpt-4o", "claude-opus-5-5", id="but may have the model"),
        pytest.param("small", "small", "openai/gpt-oss-20b", id="an alias of a level"),
        pytest.param("small", "eco", "403", id="is not the level"),
        pytest.param("team-a", "team-a", "gemini-3.8-flash", id="one name of a pattern"),
        pytest.param("team-a", "team-b", "403", id="is not another"),
        pytest.param("eco", "eco", "openai/gpt-oss-20b", id="a level by its name"),
        pytest.param("eco", "openai/gpt-oss-20b", "403", id="is not its models by theirs"),
        pytest.param("*", "gpt-6.1-terra", "gpt-6.1-terra", id="all"),
    ],
)
def test_a_list_holds_for_the_name_that_is_asked(allowed: str, name: str, goes_to: str) -> None:
    assert first(allowed=allowed, models=(name,)) == goes_to


def test_a_level_that_is_allowed_needs_no_name() -> None:
    assert first(allowed="eco", level="eco") == "openai/gpt-oss-20b"
    assert first(allowed="balanced") == "gpt-6.1-terra"
    assert first(allowed="eco", level="precision") == "403"
