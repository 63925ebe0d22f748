"""What W3C's Trace Context says of `traceparent`, and of ids that two processes make alike."""

from __future__ import annotations

import pytest

from shared.ledger.request_id import new_request_id
from shared.telemetry.trace_context import (
    TraceContext,
    read_traceparent,
    span_id_of,
    trace_context,
    traceparent,
)

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{PARENT}-01", 1),
        (f"00-{TRACE}-{PARENT}-00", 0),
        (f" 00-{TRACE}-{PARENT}-03 ", 3),
        (f"cc-{TRACE}-{PARENT}-01-what-comes-later", 1),
        (f"cc-{TRACE}-{PARENT}-01", 1),
    ],
)
def test_a_valid_header_is_read(header: str, flags: int) -> None:
    assert read_traceparent(header.encode()) == TraceContext(TRACE, PARENT, flags)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01.more",
    ],
)
def test_what_is_not_valid_begins_a_trace_of_its_own(header: str) -> None:
    request_id = new_request_id()
    assert read_traceparent(header.encode()) is None
    own = trace_context(request_id, header.encode())
    assert own == trace_context(request_id, None)
    assert own == TraceContext(request_id.replace("-", ""), None, 1)


def test_the_header_for_an_upstream_has_the_span_of_its_attempt_for_a_parent() -> None:
    request_id = new_request_id()
    line = traceparent(request_id, 2, TraceContext(TRACE, PARENT, 0))
    name, _, value = line.removesuffix(b"\r\n").partition(b": ")
    assert name == b"traceparent"
    assert read_traceparent(value) == TraceContext(TRACE, span_id_of(request_id, 2), 0)
    assert len({span_id_of(request_id), span_id_of(request_id, 0), span_id_of(request_id, 1)}) == 3
