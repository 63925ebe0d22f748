"""The facts of models: what is made of the published map, and what is known by them."""

from __future__ import annotations

import csv

import pytest

from shared.catalog.facts.make import rows_of
from shared.catalog.facts.read import COLUMNS, FACTS, read_facts
from shared.routing.known_models import KnownModels, versions_of
from shared.wire.providers import SEEDS

MAP = {
    "sample_spec": {"litellm_provider": "one of https://docs.litellm.ai", "mode": "chat"},
    "gpt-4o": {
        "litellm_provider": "openai",
        "mode": "chat",
        "max_output_tokens": 16384,
        "supports_function_calling": True,
        "supports_audio_input": False,
    },
    "gpt-5-pro": {"litellm_provider": "openai", "mode": "responses"},
    "low/1024-x-1024/gpt-image-1": {"litellm_provider": "openai", "mode": "image_generation"},
    "gemini/gemini-x": {"litellm_provider": "gemini"},
    "gemini/gemini-live": {
        "litellm_provider": "gemini",
        "mode": "chat",
        "supported_endpoints": ["/v1/realtime"],
    },
    "together_ai/BAAI/bge": {
        "litellm_provider": "together_ai",
        "mode": "embedding",
        "output_vector_size": 768,
    },
    "together-ai-up-to-4b": {"litellm_provider": "together_ai", "mode": "chat"},
    "azure/gpt-4o": {"litellm_provider": "azure", "mode": "chat"},
}


def test_a_row_says_what_the_map_says_and_nothing_else() -> None:
    rows = [row for row in rows_of(MAP, "map", "2026-11-28") if row[-2] == "map"]
    assert rows == [
        ["google", "gemini-live", "other", "", "", "", "", "map", "2026-11-28"],
        ["google", "gemini-x", "", "", "", "", "", "map", "2026-11-28"],
        ["openai", "gpt-4o", "chat", "16384", "", "tools", "audio", "map", "2026-11-28"],
        ["openai", "gpt-5-pro", "other", "", "", "", "", "map", "2026-11-28"],
        ["together", "BAAI/bge", "embedding", "", "768", "", "", "map", "2026-11-28"],
    ]


def test_the_order_of_the_map_makes_no_difference() -> None:
    backwards = dict(reversed(MAP.items()))
    assert rows_of(backwards, "map", "day") == rows_of(MAP, "map", "day")


def test_each_row_has_a_known_provider_a_source_and_a_date() -> None:
    with FACTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["provider"] for row in rows if row["provider"] not in SEEDS] == []
    assert [row for row in rows if not row["source"] or not row["date"]] == []
    keys = [(row["provider"], row["model"].lower()) for row in rows]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("name", "kind", "tools"),
    [
        ("gpt-4o", "chat", True),
        ("GPT-4o-2024-08-06", "chat", True),
        ("ft:gpt-4o-2024-08-06:org::id", "chat", True),
        ("text-embedding-3-small", "embedding", None),
        ("gpt-realtime", "other", True),
        ("gpt-image-1", "other", None),
        ("davinci", "other", None),
    ],
)
def test_a_model_of_openai_is(name: str, kind: str, tools: bool | None) -> None:  # noqa: FBT001
    facts = KnownModels(facts=read_facts()).facts_of("openai", name)
    assert facts is not None
    assert (facts.kind, facts.tools) == (kind, tools)


def test_what_nobody_describes_has_no_facts() -> None:
    assert KnownModels(facts=read_facts()).facts_of("openai", "gpt-99") is None


@pytest.mark.parametrize(
    ("model_id", "versions"),
    [
        ("gpt-4o", ["gpt-4o"]),
        ("gpt-4o-2024-08-06", ["gpt-4o-2024-08-06", "gpt-4o"]),
        ("claude-x-20250929", ["claude-x-20250929", "claude-x"]),
        ("openai/gpt-4o:free", ["openai/gpt-4o:free", "openai/gpt-4o"]),
        ("ft:gpt-4o:me", ["ft:gpt-4o:me", "ft:gpt-4o", "ft"]),
    ],
)  # fmt: skip
def test_a_dated_id_is_a_version_of_the_shorter_one(model_id: str, versions: list[str]) -> None:
    assert list(versions_of(model_id)) == versions
