"""Every pair of providers, and the table of them: python -m tests.wire.pairs.matrix."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.translated import Sending
from tests.fakes.strict.providers import STRICT
from tests.fakes.strict.rule import complaints
from tests.wire.pairs.beginnings import KINDS, Answer
from tests.wire.pairs.client import dialect, kept
from tests.wire.pairs.conversations import CONVERSATIONS

PAIRS = [(first, second) for first in STRICT for second in STRICT]


def failures(first: str, second: str, *, streamed: bool) -> Iterator[str]:
    """What `second` has against the conversations that `first` began; none: they all go on."""
    for name in CONVERSATIONS:
        yield from (f"{name}: {one}" for one in refusals(first, second, name, streamed=streamed))


def refusals(first: str, second: str, name: str, *, streamed: bool) -> list[str]:
    try:
        return complaints(STRICT[second].rules, sent(first, second, name, streamed=streamed))
    except InvalidField as error:
        return [f"our own refusal: {error} ({error.param})"]


def sent(first: str, second: str, name: str, *, streamed: bool) -> Answer:
    """What `second` gets for one conversation, of a model that a level chose."""
    answers = _answers(first, streamed)
    request = CONVERSATIONS[name](lambda kind: copy.deepcopy(answers[kind]))
    chat = decode_chat(json.dumps({**request, "stream": streamed}).encode())
    to = Sending(STRICT[second].model, is_named=False)
    return json.loads(dialect(second).request(chat, to).body)


@cache
def _answers(slug: str, streamed: bool) -> dict[str, Answer]:
    return {kind: kept(slug, kind, streamed=streamed) for kind in KINDS}


def table() -> str:
    """A row a beginner, a column a successor: conversations that went on, JSON and streamed."""
    lines = ["| begun at | " + " | ".join(STRICT) + " |", "|---" * (len(STRICT) + 1) + "|"]
    for first in STRICT:
        cells = [_cell(first, second) for second in STRICT]
        lines.append(f"| {first} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(first: str, second: str) -> str:
    good = [
        not refusals(first, second, name, streamed=streamed)
        for streamed in (False, True)
        for name in CONVERSATIONS
    ]
    return f"{sum(good)}/{len(good)}"


if __name__ == "__main__":
    print(table())  # noqa: T201  the one thing that it is run for
