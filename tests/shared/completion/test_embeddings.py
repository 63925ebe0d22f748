"""Embeddings go to the one model that was named, at each of its providers, and to no other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from shared.completion import client
from shared.completion.doors.embeddings import EMBEDDINGS
from shared.routing.deployment import Kind, Model, Provider
from tests.shared.completion.room import Answer, Room
from tests.shared.routing import catalog

VECTORS = [{"index": 0, "embedding": [1.0]}]
USAGE = {"prompt_tokens": 3, "total_tokens": 3}
JSON = json.dumps({"data": VECTORS, "model": "m", "usage": USAGE}).encode()
NAME = "embed-small"


def embedding(number: int, at: Provider, name: str = NAME, **changes: Any) -> Model:
    changes = {"kind": Kind.EMBEDDING, "price": catalog.price(0.02, 0), **changes}
    return catalog.model(number, at, name, None, **changes)


OPENAI, GOOGLE = catalog.OPENAI, catalog.GOOGLE
TWO = (embedding(1, OPENAI), embedding(2, GOOGLE))


def room(*models: Model, **answers: Answer) -> Room:
    this = Room(catalog.snapshot((*models, *catalog.MODELS), ()))
    this.answers = {one.provider.slug: Answer(chunks=(JSON,)) for one in models} | answers
    return this


def embed(this: Room, **body: Any) -> dict[str, Any]:
    body = {"model": NAME, "input": "Hello", **body}
    return json.loads(asyncio.run(this.complete(body, wire=EMBEDDINGS)))


def tried(this: Room) -> list[tuple[str, str]]:
    return [(one.model.provider.slug, one.model.model_id) for one in this.tried]


def test_the_same_model_elsewhere_takes_over() -> None:
    this = room(*TWO, openai=Answer(503, (b"{}",)))
    told = embed(this)["_metadata"]
    assert tried(this) == [("openai", NAME), ("google", NAME)]
    assert (told["provider_used"], told["was_fallback"]) == ("google", True)


def test_no_other_model_takes_over() -> None:
    this = room(embedding(1, OPENAI), embedding(2, GOOGLE, "other"), openai=Answer(503, (b"{}",)))
    assert "error" in embed(this)
    assert {name for _, name in tried(this)} == {NAME}


def test_one_model_is_the_same_however_a_provider_spells_it() -> None:
    there = embedding(2, GOOGLE, f"Vendor/{NAME.title()}")
    this = room(embedding(1, OPENAI), there, openai=Answer(503, (b"{}",)))
    told = embed(this, models=[f"google/{there.model_id}"])["_metadata"]
    assert (told["provider_used"], told["model_used"]) == ("google", there.model_id)


@pytest.mark.parametrize("names", [("other",), (NAME, "gpt-6.1-terra")])
def test_two_models_are_refused_before_anything_is_sent(names: tuple[str, ...]) -> None:
    this = room(embedding(1, OPENAI), embedding(2, GOOGLE, "other"))
    assert embed(this, models=list(names))["error"]["code"] == "mixed_embedding_models"
    assert this.sent == []


def test_it_goes_to_the_endpoint_of_embeddings() -> None:
    this = room(*TWO)
    embed(this)
    assert [one.target for one in this.sent] == [b"/v1/embeddings"]


def test_no_level_takes_an_embedding_model() -> None:
    odd = msgspec.structs.replace(embedding(1, OPENAI), power_level="eco")
    this = room(odd)
    asyncio.run(this.complete({"messages": [{"role": "user", "content": "a"}], "model": "eco"}))
    assert NAME not in {name for _, name in tried(this)}


def test_many_texts_may_be_longer_together_than_a_context() -> None:
    small = embedding(1, OPENAI, context_window=100)
    texts, used = ["word " * 80] * 10, {"prompt_tokens": 800, "total_tokens": 800}
    body = json.dumps({"data": VECTORS, "model": "m", "usage": used}).encode()
    this = room(small, openai=Answer(chunks=(body,)))
    assert embed(this, input=texts)["_metadata"]["cost_quality"] == "measured"
    assert this.spool.finals[-1].prompt_tokens == 800
    assert "error" in embed(room(small), input=["word " * 500])


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "total_tokens": 0}])
def test_what_nobody_counted_is_estimated_and_never_free(usage: Any) -> None:
    body = json.dumps({"data": VECTORS, "model": "m", "usage": usage}).encode()
    this = room(embedding(1, OPENAI), openai=Answer(chunks=(body,)))
    told = embed(this, input="Hello there, you.")["_metadata"]
    assert told["cost_quality"] == "estimated"
    assert told["cost_incurred"] > 0
    assert this.spool.finals[-1].completion_tokens == 0


def test_a_chat_and_a_stream_in_a_success_are_no_vectors() -> None:
    for chunks in ((b'{"choices":[{"message":{"content":"Hi"}}]}',), (b"data: {}\n\n",)):
        this = room(embedding(1, OPENAI), openai=Answer(chunks=chunks))
        assert "error" in embed(this)
        assert this.spool.finals[-1].status_code >= 500


async def left_while_embedding() -> Room:
    begun, leaves = asyncio.Event(), asyncio.Event()

    class Slow(Answer):
        async def begin(self) -> None:
            begun.set()
            await asyncio.Event().wait()

    this = room(embedding(1, OPENAI), openai=Slow())
    body = {"model": NAME, "input": "Hello"}
    serving = asyncio.create_task(this.complete(body, wire=EMBEDDINGS, hangs_up=leaves))
    await begun.wait()
    leaves.set()
    await serving
    return this


def test_what_a_caller_who_left_may_cost_has_no_words_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "LOOK_EVERY_S", 0.0)
    [final] = asyncio.run(left_while_embedding()).spool.finals
    assert (final.status_code, final.state) == (499, "indeterminate")
    tokens = 1
    assert final.cost_estimated_pico_usd == tokens * 20_000
