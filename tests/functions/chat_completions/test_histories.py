"""A sample of tests/wire/pairs through the gateway: what leaves it, held to strict providers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.fakes.eight_upstreams import name_of
from tests.fakes.gateway import PATH, ask
from tests.fakes.recorder import Recorder
from tests.fakes.strict.providers import STRICT
from tests.fakes.strict.rule import complaints
from tests.fakes.uvicorn_server import UvicornServer
from tests.wire.pairs.beginnings import KINDS
from tests.wire.pairs.client import kept
from tests.wire.pairs.conversations import CONVERSATIONS

BUILT_IN = [slug for slug in STRICT if not slug.endswith("-like")]
# Everything but what needs a level to choose the model.
NAMES = [name for name in CONVERSATIONS if name not in ("with sampling", "with a schema")]


@pytest.mark.parametrize("streamed", [False, True], ids=["json", "sse"])
@pytest.mark.parametrize("slug", BUILT_IN)
def test_conversations_that_claude_and_gpt_began_go_on_everywhere(
    eight_gateway: UvicornServer, recorder: Recorder, slug: str, streamed: bool
) -> None:
    for first in ("anthropic", "openai"):
        answers = {kind: kept(first, kind, streamed=streamed) for kind in KINDS}
        for name in NAMES:
            request = CONVERSATIONS[name](lambda kind, of=answers: copy.deepcopy(of[kind]))
            recorder.exchanges.clear()
            answer = ask(eight_gateway.url, model=name_of(slug), stream=streamed, **request)
            assert answer.status_code == 200, f"{PATH} {name}: {answer.text}"
            sent: dict[str, Any] = json.loads(recorder.exchanges[0].body)
            assert complaints(STRICT[slug].rules, sent) == [], name
