"""What a row says of texts that cannot be kept as they came: money never hangs on a label.

The doors clean what callers and providers send. This is the last line: whatever reached a record
all the same, PostgreSQL takes its row.
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import structs

from shared.ledger.record import Attempt, UsageFinal, UsageIntent
from shared.wire.text import MAX_SAID, MAX_TEXT, clean

# The words that an index of usage_daily holds together may be 2,704 bytes long (PostgreSQL).
_MAX_OF = {"error_detail": MAX_SAID, "power_level": 50, "billed_to": 50}
_CUT = "…"

_Record = TypeVar("_Record", UsageIntent, UsageFinal)


def with_sound_texts(record: _Record) -> _Record:
    """The record itself, or one whose texts show a U+FFFD where they held what is unfit to be kept,
    and end in an ellipsis where they were cut. Its id is left as it is.
    """
    changed: dict[str, Any] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name != "request_id" and not _is_sound(value, name):
            changed[name] = _cleaned(value, name)
    return structs.replace(record, **changed) if changed else record


def _is_sound(value: Any, name: str) -> bool:
    if isinstance(value, str):
        most = _MAX_OF.get(name, MAX_TEXT)
        return len(value) <= most and clean(value, most) == value
    if isinstance(value, Attempt):
        return all(_is_sound(one, name) for one in structs.astuple(value))
    return not _is_several(value) or all(_is_sound(one, name) for one in value)


def _is_several(value: Any) -> bool:
    return isinstance(value, tuple)


def _cleaned(value: Any, name: str) -> Any:
    if _is_several(value):
        return tuple(_cleaned(one, name) for one in value)
    if isinstance(value, Attempt):
        of_attempt = {field: _cleaned(one, name) for field, one in structs.asdict(value).items()}
        return structs.replace(value, **of_attempt)
    if not isinstance(value, str):
        return value
    most = _MAX_OF.get(name, MAX_TEXT)
    return clean(value, most) if len(value) <= most else clean(value, most - 1) + _CUT
