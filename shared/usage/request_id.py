"""Request ids: UUIDv7 as text (RFC 9562, section 5.7), so that an id carries its own time.

The usage table is partitioned by `created_at`, which is derived from the id and from nothing else:
a record delivered twice therefore always meets its own primary key.
"""

from __future__ import annotations

import os
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """A fresh id of the present moment, 36 characters, lower case."""
    milliseconds = time.time_ns() // 1_000_000
    entropy = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | entropy
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def created_at(request_id: str) -> datetime:
    """The time in a UUIDv7, in UTC, to the millisecond. Raises ValueError for any other text."""
    value = uuid.UUID(request_id)
    if value.version != 7:
        raise ValueError(f"not a UUIDv7: {request_id}")
    milliseconds = value.int >> 80
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
        microsecond=milliseconds % 1000 * 1000
    )


def current_request_id() -> str:
    """The id of the request that this task serves, made when first asked for.

    Of an ordinary route: a completion carries its own, as its hot path asks no context variable.
    """
    request_id = _current.get()
    if request_id is None:
        request_id = new_request_id()
        _current.set(request_id)
    return request_id
