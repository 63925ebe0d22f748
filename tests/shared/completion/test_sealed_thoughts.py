"""Thoughts that a provider sealed bind a request to it, but only where it can serve it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from shared.completion.doors.responses import responses_wire
from shared.wire.responses.held import Held
from tests.shared.completion.room import Answer, Room
from tests.shared.routing import catalog
from tests.shared.wire.responses.conversation import IDS

ANSWER = {"id": "resp_9", "output": [{"type": "message", "content": []}], "model": "m"}
JSON = json.dumps(ANSWER).encode()
MODELS = tuple(
    catalog.model(number, catalog.provider(number, slug), f"{slug}-model", "eco")
    for number, slug in enumerate(("openai", "groq"), 1)
)


def ask(model: str, *, holder: str) -> tuple[list[str], dict[str, Any]]:
    """Who was tried, and what was answered, of a conversation whose thoughts `holder` sealed."""
    this = Room(catalog.snapshot(MODELS, ()))
    this.answers = {slug: Answer(chunks=(JSON,)) for slug in ("openai", "groq")}
    mark = IDS.mark(Held("ann", f"{holder}:0", "")).decode()
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": mark + "gA"}
    body = {"model": model, "input": [{"role": "user", "content": "hi"}, sealed]}
    answered = json.loads(asyncio.run(this.complete(body, wire=responses_wire(IDS))))
    return [one.model.provider.slug for one in this.tried], answered


def test_a_level_goes_to_the_holder() -> None:
    assert ask("eco", holder="groq")[0] == ["groq"]
    assert ask("eco", holder="openai")[0] == ["openai"]


def test_another_providers_model_that_is_named_goes_on_without_them() -> None:
    tried, answered = ask("groq-model", holder="openai")
    assert tried == ["groq"]
    assert answered["_metadata"]["dropped_params"] == ["input[1]"]


def test_a_key_that_is_gone_ends_no_conversation() -> None:
    tried, answered = ask("groq-model", holder="together")
    assert tried == ["groq"]
    assert "error" not in answered
