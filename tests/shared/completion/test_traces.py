"""The trace of a request: from its caller, over the record, to providers that may know it."""

from __future__ import annotations

import pytest

from shared.telemetry.spans import spans_of
from tests.fakes.collector import attributes_of
from tests.shared.completion.room import Answer, Room, body_of
from tests.shared.routing import catalog

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{PARENT}-01"


def room(*, keeps_traces: bool) -> Room:
    """Two providers with the same model: the first is local and fails, the second is neither."""
    local = catalog.provider(1, "local", is_local=True)
    far = catalog.provider(2, "far")
    models = tuple(
        catalog.model(number, at, "m", "balanced", power_level_priority=9 - number)
        for number, at in enumerate((local, far))
    )
    made = Room(catalog.snapshot(models, rules=()), keeps_traces=keeps_traces)
    made.answers["local"] = Answer(500, [b'{"error": {"message": "broken"}}'])
    return made


async def test_the_record_has_the_callers_trace_and_a_local_provider_is_told_of_it() -> None:
    there = room(keeps_traces=True)
    await there.complete(body_of(model="balanced"), traceparent=HEADER)
    (intent,), (final,) = there.spool.intents, there.spool.finals
    for record in (intent, final):
        assert (record.trace_id, record.parent_span_id, record.trace_flags) == (TRACE, PARENT, 1)
    own, failed, answered = spans_of(final)
    to_local, to_far = there.sent
    told = f"traceparent: 00-{TRACE}-{failed.span_id.hex()}-01\r\n".encode()
    assert told in to_local.headers
    assert b"traceparent" not in to_far.headers
    assert [attributes_of(one)["gen_ai.provider.name"] for one in (failed, answered)] == [
        *("local", "far")
    ]
    assert failed.parent_span_id == answered.parent_span_id == own.span_id
    cost = attributes_of(own).get("switchyard.cost_usd")
    assert final.cost_total_pico_usd is not None
    assert cost == final.cost_total_pico_usd / 1e12


async def test_off_nothing_is_read_and_nobody_is_told() -> None:
    there = room(keeps_traces=False)
    await there.complete(body_of(model="balanced"), traceparent=HEADER)
    (final,) = there.spool.finals
    assert (final.trace_id, final.parent_span_id, final.trace_flags) == (None, None, None)
    assert not any(b"traceparent" in request.headers for request in there.sent)


async def test_a_second_attempt_at_the_same_provider_has_a_span_of_its_own() -> None:
    local = catalog.provider(1, "local", is_local=True)
    models = tuple(
        catalog.model(n, local, f"m{n}", "balanced", power_level_priority=9 - n) for n in range(2)
    )
    there = Room(catalog.snapshot(models, rules=()), keeps_traces=True)
    there.answers["local"] = Answer(500, [b'{"error": {"message": "broken"}}'])
    await there.complete(body_of(model="balanced"))
    parents = [one.headers.partition(b"traceparent: ")[2] for one in there.sent]
    assert len(parents) >= 2
    assert len(set(parents)) == len(parents)
