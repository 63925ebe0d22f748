"""What a provider says it will charge: how its cost API is asked, and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec


class Billed(NamedTuple):
    """USD of one UTC day; a day may have any number of lines."""

    day: date
    usd: Decimal


class BillPage(NamedTuple):
    """`next_page`: what the next page is asked for with; None where this is the last."""

    lines: list[Billed]
    next_page: str | None = None


class BillApi(msgspec.Struct, frozen=True):
    """`path`: of the first UTC day, the day behind the last one, and a page. `headers`: of the key,
    which is not one that models are asked with. `read` raises msgspec.DecodeError. `key_name` is
    what the provider calls such a key.
    """

    key_name: str
    path: Callable[[date, date, str | None], str]
    headers: Callable[[str], Mapping[str, str]]
    read: Callable[[bytes], BillPage]


def bearer(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}
