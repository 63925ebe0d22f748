"""Request ids: UUIDv7 as text (RFC 9562, section 5.7), so that an id carries its own time.

The usage table is partitioned by `created_at`, which is derived from the id and from nothing else:
a record delivered twice therefore always meets its own primary key.
"""

from __future__ import annotations

import random
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_UUID7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# The first two bits of this digit are 10, whatever was drawn.
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """A fresh id of the present moment, 36 characters, lower case."""
    at = f"{time.time_ns() // 1_000_000:012x}"
    # An id is no secret, so it need not cost a system call; Python seeds again where it forks.
    drawn = f"{random.getrandbits(80):020x}"  # noqa: S311
    return f"{at[:8]}-{at[8:]}-7{drawn[:3]}-{_VARIANT[drawn[3]]}{drawn[4:7]}-{drawn[7:19]}"


def created_at(request_id: str) -> datetime:
    """The time in a UUIDv7 as `new_request_id` writes it, in UTC, to the millisecond.

    Raises ValueError for any other text, one in capitals too: it would be another request's.
    """
    if not _UUID7.fullmatch(request_id):
        raise ValueError(f"not a UUIDv7: {request_id}")
    try:
        return _EPOCH + timedelta(milliseconds=int(request_id[:8] + request_id[9:13], 16))
    except OverflowError:
        raise ValueError(f"of a year after 9999: {request_id}") from None


def current_request_id() -> str:
    """The id of the request that this task serves, made when first asked for.

    Of an ordinary route: a completion carries its own, as its hot path asks no context variable.
    """
    request_id = _current.get()
    if request_id is None:
        request_id = new_request_id()
        _current.set(request_id)
    return request_id
