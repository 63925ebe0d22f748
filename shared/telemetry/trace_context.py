"""Which trace a request belongs to: read from its caller, and told to those who may know it.

Every id is made from the request's own, so that the worker, which sends the spans once the request
is settled, names them as the web process did on the way. W3C Trace Context, level 1.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_FIRST_VERSION = b"00"
_FIRST_VERSION_BYTES = 55
_SAMPLED = 1


class TraceContext(NamedTuple):
    """Ids in lower-case hex; of `flags`, 1 is sampled. No parent: the trace begins here."""

    trace_id: str
    parent_span_id: str | None
    flags: int


def trace_context(request_id: str, header: bytes | None) -> TraceContext:
    """What the caller's `traceparent` says, or a trace of the request's own."""
    found = read_traceparent(header) if header is not None else None
    return found or TraceContext(trace_id_of(request_id, None), None, _SAMPLED)


def read_traceparent(header: bytes) -> TraceContext | None:
    """None for what is not valid: section 3.2 says to go on as if there were none.

    Of a later version the same fields are read, as section 3.2.4 says.
    """
    found = _TRACEPARENT.fullmatch(header.strip())
    if found is None or (header[:2] == _FIRST_VERSION and len(found[0]) != _FIRST_VERSION_BYTES):
        return None
    trace_id, parent, flags = found.groups()
    return TraceContext(trace_id.decode(), parent.decode(), int(flags, 16))


def trace_id_of(request_id: str, trace_id: str | None) -> str:
    """The caller's trace, or the request's own: a UUID has as many bits as a trace id."""
    return trace_id or request_id.replace("-", "")


def span_id_of(request_id: str, attempt: int | None = None) -> str:
    """Of the request, or of its attempt with that number, from 0."""
    name = request_id if attempt is None else f"{request_id}/{attempt}"
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def is_sampled(flags: int | None) -> bool:
    """A trace that nobody above has decided on is sampled."""
    return flags is None or bool(flags & _SAMPLED)


def traceparent(request_id: str, attempt: int, context: TraceContext) -> bytes:
    """The header line for an upstream that may know the trace: its parent is that attempt."""
    value = f"00-{context.trace_id}-{span_id_of(request_id, attempt)}-{context.flags:02x}"
    return f"traceparent: {value}\r\n".encode()
