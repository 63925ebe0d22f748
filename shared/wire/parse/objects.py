"""Objects in JSON that others wrote: where one is due and none stands, it counts as empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from shared.wire.parse.lenient import NotJSON, loads, read_json
from shared.wire.parse.sse import END, event_data

Fields: TypeAlias = dict[str, Any]

_Event = TypeVar("_Event")


def as_object(value: Any) -> Fields:
    return cast("Fields", value) if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Fields]:
    """Those of a list that are objects."""
    values = cast("list[Any]", value) if isinstance(value, list) else []
    return [one for one in values if isinstance(one, dict)]


def objects_of(events: bytes) -> Iterator[Fields]:
    """The data of whole events; what cannot be read is passed over."""
    for one in events.split(END):
        data = event_data(one)
        if data is not None:
            with suppress(NotJSON):  # what looked plain was relayed unread
                yield as_object(loads(data))


def any_event(
    events: bytes, decoder: msgspec.json.Decoder[_Event], says: Callable[[_Event], bool]
) -> bool:
    """Whether `says` holds of one of some whole events.

    An event that cannot be read counts: it is not for us to hold it back.
    """
    for one in events.split(END):
        data = event_data(one)
        try:
            if data is not None and says(read_json(decoder, data)):
                return True
        except NotJSON:
            return True
    return False
