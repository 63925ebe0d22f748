"""An error as the clients of Responses read it.

Sources: openai-python, types/responses/response_{error,failed}_event.py; Codex,
codex-api/src/sse/responses.rs (a stream fails by `response.failed`).
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from shared.errors import SwitchyardError
from shared.wire.dialect import Reader
from shared.wire.error_body import error_fields
from shared.wire.parse.lenient import encode
from shared.wire.parse.objects import Fields
from shared.wire.parse.sse import named_event
from shared.wire.responses.writer import Numbered

_EMPTY: Final[Fields] = {
    "object": "response",
    "created_at": 0,
    "model": "",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


@runtime_checkable
class Telling(Protocol):
    """A reader of this wire: how far it came."""

    @property
    def next_number(self) -> int: ...
    def failed(self, error: Fields) -> Fields: ...


def error_event(error: SwitchyardError, request_id: str, reader: Reader | None = None) -> bytes:
    """The two events by which a stream ends badly: the error, and the response that failed."""
    fields = error_fields(error)
    is_begun = isinstance(reader, Telling)
    emit = Numbered(reader.next_number if is_begun else 0)
    said = {"type": "error", "sequence_number": emit.next_number, **fields_of(fields)}
    emit.next_number += 1
    response = {**_EMPTY, "id": f"resp_{request_id}"}
    response |= reader.failed(fields) if is_begun else {"status": "failed", "error": fields}
    return named_event("error", encode(said)) + emit("failed", response=response)


def fields_of(fields: Fields) -> Fields:
    """What an `error` event has of them beside its type, which says that it is one."""
    return {name: fields[name] for name in ("code", "message", "param")}
