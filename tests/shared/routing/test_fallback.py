"""How far a level looks for a model: its rules, the level, or any listed model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.errors import NotAllowed
from shared.routing.choose import Reason, choose
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Fallback, Snapshot, Tier

_spec = importlib.util.spec_from_file_location("catalog", Path(__file__).parent / "catalog.py")
assert _spec is not None
assert _spec.loader is not None
catalog: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalog)

LOCAL = catalog.provider(5, "ollama", is_local=True)
LLAMA = catalog.model(5, LOCAL, "llama", None, price=catalog.price(0, 0))
GROQ_ALSO = catalog.model(6, catalog.GROQ, "qwen", "balanced", price=catalog.price(0.1, 0.5))
MODELS = (*catalog.MODELS, LLAMA, GROQ_ALSO)
EVERY = frozenset({"openai", "anthropic", "google", "groq", "ollama"})
RULE_OF_LAST_RESORT = catalog.rule(9, GROQ_ALSO, "eco", is_fallback=True, fallback_order=1)


def looking(fallback: Fallback) -> Snapshot:
    levels = tuple(msgspec.structs.replace(one, fallback=fallback) for one in catalog.LEVELS)
    return catalog.snapshot(MODELS, (*catalog.RULES, RULE_OF_LAST_RESORT), levels)


def tried(
    fallback: Fallback, level: str, funded: frozenset[str] = EVERY
) -> list[tuple[str, Reason]]:
    request = RoutingRequest(models=(), level=level, tier=Tier.PROFESSIONAL, platform_funded=funded)
    choice = choose(looking(fallback), request)
    return [(one.model.model_id, one.reason) for one in choice.candidates]


RULE_OF_ECO = ("openai/gpt-oss-20b", Reason.RULE)
LAST_OF_ECO = ("qwen", Reason.FALLBACK_RULE)
RULE_OF_BALANCED = ("gpt-6.1-terra", Reason.RULE)
LEVEL_OF_BALANCED = (("gemini-3.8-flash", Reason.SAME_LEVEL), ("qwen", Reason.SAME_LEVEL))


@pytest.mark.parametrize(
    ("fallback", "level", "expected"),
    [
        (Fallback.RULES, "eco", [RULE_OF_ECO, LAST_OF_ECO]),
        (Fallback.LEVEL, "eco", [RULE_OF_ECO, LAST_OF_ECO]),
        (Fallback.ANY, "eco", [RULE_OF_ECO, LAST_OF_ECO, ("llama", Reason.OTHER_LEVEL)]),
        (Fallback.RULES, "balanced", [RULE_OF_BALANCED]),
        (Fallback.LEVEL, "balanced", [RULE_OF_BALANCED, *LEVEL_OF_BALANCED]),
        (
            Fallback.ANY,
            "balanced",
            [
                RULE_OF_BALANCED,
                *LEVEL_OF_BALANCED,
                ("openai/gpt-oss-20b", Reason.OTHER_LEVEL),
                ("llama", Reason.OTHER_LEVEL),
            ],
        ),
    ],
)
def test_a_level_looks_as_far_as_its_fallback_says(
    fallback: Fallback, level: str, expected: list[tuple[str, Reason]]
) -> None:
    assert tried(fallback, level) == expected


def test_with_rules_alone_a_level_whose_rules_have_no_key_is_refused() -> None:
    """Its other model has one, and is not what the operator let the prompts go to."""
    with pytest.raises(NotAllowed) as caught:
        tried(Fallback.RULES, "balanced", EVERY - {"openai"})
    assert caught.value.code == "no_provider_key"


@pytest.mark.parametrize("fallback", [Fallback.RULES, Fallback.LEVEL])
@pytest.mark.parametrize("level", ["eco", "balanced", "precision"])
def test_a_model_that_no_rule_and_no_level_names_serves_only_who_names_it(
    fallback: Fallback, level: str
) -> None:
    assert "llama" not in [name for name, _ in tried(fallback, level)]
    named = RoutingRequest(models=("llama",), level=None, tier=Tier.FREE, platform_funded=EVERY)
    assert [one.model.model_id for one in choose(looking(fallback), named).candidates] == ["llama"]


@pytest.mark.parametrize("fallback", Fallback)
def test_a_level_named_as_a_model_looks_as_far_as_the_level(fallback: Fallback) -> None:
    request = RoutingRequest(
        models=("balanced",), level=None, tier=Tier.PROFESSIONAL, platform_funded=EVERY
    )
    choice = choose(looking(fallback), request)
    assert [(one.model.model_id, one.reason) for one in choice.candidates] == tried(
        fallback, "balanced"
    )
