"""Whether a stream has said anything yet: an answer's head waits for that, not for any event."""

from __future__ import annotations

import msgspec

from shared.wire.sse import END, event_data

_NOTHING = frozenset({b"null", b'""', b"[]", b"{}"})


class _Choice(msgspec.Struct, frozen=True):
    """Fields of a delta are not named: what a provider calls its reasoning is content too."""

    delta: dict[str, msgspec.Raw] | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()


_chunk = msgspec.json.Decoder(_Chunk)


def has_content(events: bytes) -> bool:
    """Whether whole events of OpenAI's wire hold more than a role, comments and empty deltas.

    An event that cannot be read counts: it is not for us to hold it back.
    """
    return any(_says_something(event) for event in events.split(END) if event)


def _says_something(event: bytes) -> bool:
    data = event_data(event)
    if data is None:
        return False
    if data == b"[DONE]":
        return True
    try:
        choices = _chunk.decode(data).choices
    except (msgspec.DecodeError, RecursionError):
        return True
    return any(
        choice.finish_reason is not None
        or any(
            name != "role" and bytes(value) not in _NOTHING
            for name, value in (choice.delta or {}).items()
        )
        for choice in choices
    )
