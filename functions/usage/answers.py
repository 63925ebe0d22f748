"""How usage is shown: a page of rows, and sums. Money is exact JSON numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from functions.usage.requests import encode_cursor
from shared.ledger.pages import Row, RowKey
from shared.ledger.rows_as_text import shown
from shared.ledger.summary import Summary


class UsagePage(msgspec.Struct, frozen=True):
    """`next_cursor` is null behind the last row."""

    data: list[dict[str, Any]]
    next_cursor: str | None
    object: str = "list"


class UsageSummary(msgspec.Struct, frozen=True):
    """`total` sums the groups of `data`; every one has the same sums."""

    data: list[dict[str, Any]]
    total: dict[str, Any]
    group_by: list[str]
    object: str = "list"
    next_cursor: str | None = None


def usage_page(rows: Iterable[Row], following: RowKey | None) -> UsagePage:
    return UsagePage(
        [shown(row) for row in rows], None if following is None else encode_cursor(following)
    )


def usage_summary(summary: Summary, groups: list[str]) -> UsageSummary:
    return UsageSummary([shown(row) for row in summary.groups], shown(summary.total), groups)
