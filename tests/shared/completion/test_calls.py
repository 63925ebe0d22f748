"""How many calls a request costs in code of ours: a guard of the hot path in every run of tests.

Calls are the same on each machine, and more or less what instructions are; `make instructions`
counts those, for the whole process, in minutes. Who adds a tenth says in the commit for what.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from types import FrameType

from tests.architecture.tree import ROOT
from tests.benchmarks.servers import COMPLETION, STREAM
from tests.shared.completion.room import Answer, Room, body_of
from tests.shared.routing import catalog

OURS = (str(ROOT / "functions"), str(ROOT / "shared"))
WITHIN = 1.10
EVENTS = [f"{event}\n\n".encode() for event in STREAM.split("\n\n") if event]

FEW, MANY = EVENTS[:20] + EVENTS[-3:], EVENTS


def calls(chunks: Sequence[bytes], *, stream: bool) -> int:
    """Of a request that is one of many; to functions, and to what is written in C."""

    async def run() -> int:
        room = Room(catalog.snapshot())
        counts: list[int] = []
        for _ in range(5):
            room.answers["openai"] = Answer(chunks=chunks)
            counted = 0

            def count(frame: FrameType, event: str, _: object) -> None:
                nonlocal counted
                if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OURS):
                    counted += 1

            sys.setprofile(count)
            try:
                answered = await room.complete(body_of(stream=stream))
            finally:
                sys.setprofile(None)
            assert b"_metadata" in answered
            counts.append(counted)
        return min(counts)

    return asyncio.run(run())


def test_an_answer_in_json_costs_354_calls() -> None:
    assert calls([COMPLETION.encode()], stream=False) <= 354 * WITHIN


def test_a_stream_of_53_events_that_come_at_once_costs_570_calls() -> None:
    assert calls([STREAM.encode()], stream=True) <= 570 * WITHIN


def test_an_event_that_comes_alone_costs_41_calls_more() -> None:
    more = calls(MANY, stream=True) - calls(FEW, stream=True)
    assert more / (len(MANY) - len(FEW)) <= 41 * WITHIN
