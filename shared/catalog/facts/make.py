"""Makes facts.csv: `python -m shared.catalog.facts.make MAP --release 1.108.7 --date 2026-11-28`.

MAP is LiteLLM's published model map (MIT): model_prices_and_context_window_backup.json of its
package. The same map gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.catalog.facts.read import ABILITIES, COLUMNS, FACTS
from shared.routing.deployment import Kind

# What the map calls a provider: our slug, and what it writes before an id.
_PROVIDERS: Mapping[str, tuple[str, str]] = {
    "openai": ("openai", ""),
    "text-completion-openai": ("openai", ""),
    "anthropic": ("anthropic", ""),
    "gemini": ("google", "gemini/"),
    "groq": ("groq", "groq/"),
    "fireworks_ai": ("fireworks", "fireworks_ai/"),
    "together_ai": ("together", "together_ai/"),
    "together_ai-embedding": ("together", "together_ai/"),
}
_ABILITY_OF: Mapping[str, str] = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_response_schema": "json",
    "supports_pdf_input": "files",
    "supports_audio_input": "audio",
    "supports_reasoning": "effort",
}
_CHAT_ENDPOINT = "/v1/chat/completions"
# Of an API of their own, and not in the map (developers.openai.com/api/docs/deprecations, /models).
_BY_HAND: Mapping[str, tuple[str, ...]] = {
    "openai": (
        *("ada", "babbage", "curie", "davinci", "text-ada-001", "text-curie-001"),
        *("text-davinci-001", "text-davinci-002", "text-davinci-003", "codex-mini-latest"),
        *("gpt-4o-realtime-preview", "gpt-4o-mini-realtime-preview", "computer-use-preview"),
        *("gpt-5-image", "gpt-5-image-mini", "gpt-5.4-image-2", "chatgpt-image-latest"),
    )
}
_HAND = "OpenAI's list of models"


def rows_of(models: Mapping[str, Mapping[str, Any]], source: str, date: str) -> list[list[str]]:
    """The rows of facts.csv, in the order of provider and model; the first of two spellings counts.

    An ability that the map does not name is neither in `can` nor in `cannot`: it is not known.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for key, model in models.items():
        provider, prefix = _PROVIDERS.get(model.get("litellm_provider", ""), ("", ""))
        model_id = key.removeprefix(prefix)
        if provider and key.startswith(prefix) and _is_an_id(provider, model_id):
            row = [provider, model_id, *_facts(model), source, date]
            found.setdefault((provider, model_id.lower()), row)
    for provider, ids in _BY_HAND.items():
        for one in ids:
            row = [provider, one, Kind.OTHER, "", "", "", "", _HAND, date]
            found.setdefault((provider, one), row)
    return [found[key] for key in sorted(found)]


def _is_an_id(provider: str, model_id: str) -> bool:
    """The map has prices of sizes of images and of classes of models among the models."""
    if provider == "fireworks":
        return model_id.startswith("accounts/")
    return provider in ("groq", "together") or "/" not in model_id


def _facts(model: Mapping[str, Any]) -> Iterator[str]:
    yield _kind(model)
    yield str(model.get("max_output_tokens") or "")
    yield str(model.get("output_vector_size") or "")
    for answer in (True, False):
        said = {ability for field, ability in _ABILITY_OF.items() if model.get(field) is answer}
        yield " ".join(one for one in ABILITIES if one in said)


def _kind(model: Mapping[str, Any]) -> str:
    mode, endpoints = model.get("mode"), model.get("supported_endpoints")
    if mode == "chat":
        return Kind.OTHER if endpoints and _CHAT_ENDPOINT not in endpoints else Kind.CHAT
    if mode == "embedding":
        return Kind.EMBEDDING
    return Kind.OTHER if mode else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map", type=Path)
    parser.add_argument("--release", required=True, help="of LiteLLM")
    parser.add_argument("--date", required=True, help="of that release")
    options = parser.parse_args()
    models = json.loads(options.map.read_text())
    with FACTS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows_of(models, f"LiteLLM {options.release}", options.date))


if __name__ == "__main__":
    main()
