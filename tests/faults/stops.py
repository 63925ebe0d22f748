"""Open streams while a web process is told to end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from tests.fakes.gateway import USER
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome, many
from tests.faults.exactness import completions

STREAMS = 50
SOON, NEVER = "drip-20+events-60", "drip-100+events-600"
"""What a provider takes 1 s for, and 60 s."""


async def streams_over_a_stop(
    app: ProcfileProcess,
    simulated: SimulatedProvider,
    loads: Mapping[str, int],
    headers: Mapping[str, str] = USER,
) -> tuple[Outcome, float]:
    """Open so many streams of each kind, then SIGTERM; what became of them, and its seconds."""
    simulated.clear()
    tasks = [
        asyncio.create_task(
            many(app.url, requests=some, at_once=some, headers=headers, stream=True, simulate=kind)
        )
        for kind, some in loads.items()
    ]
    ends = time.monotonic() + 30
    while len(await asyncio.to_thread(completions, simulated)) < STREAMS:
        assert time.monotonic() < ends, app.output()
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # until each has had some content
    began = time.monotonic()
    app.terminate()
    assert await asyncio.to_thread(app.has_ended, 30)
    took_s = time.monotonic() - began
    outcomes = await asyncio.gather(*tasks)
    whole = {key: told for outcome in outcomes for key, told in outcome.whole.items()}
    failed = sum((Counter(outcome.failed) for outcome in outcomes), Counter[str]())
    return Outcome(whole, dict(failed)), took_s
