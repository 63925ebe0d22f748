"""What a request for usage asks, read from its query string: each word by name, none ignored."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.errors import InvalidField
from shared.ledger.filters import UsageFilters, is_whole_days
from shared.ledger.pages import RowKey
from shared.ledger.rows_as_text import TEXTS, Format
from shared.ledger.summary import GROUPS
from shared.pricing.charge import CostQuality

MEDIA_TYPES: Mapping[Format, str] = {
    Format.JSONL: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.FOCUS: "text/csv",
}
"""Of a download."""
MAX_LIMIT = 1000
_DEFAULT_LIMIT = 100
_MAX_TEXT = 200
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Query = Mapping[str, str]


def pairs(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The query string as a mapping. Raises InvalidField for a name that is there twice."""
    query: dict[str, str] = {}
    for name, value in items:
        if name in query:
            raise InvalidField(f"'{name[:50]}' is given twice; send it once.", param=name[:50])
        query[name] = value
    return query


def filters_of(query: Query, owner: str | None, *, others: Iterable[str] = ()) -> UsageFilters:
    """The filters for the rows of `owner`; None is an admin, who may name a `user`.

    `others` are the words that this route reads besides. Raises InvalidField.
    """
    for_admins = ("user",) if owner is None else ()
    known: list[str] = sorted([*_READERS, *others, *for_admins])
    for name in query:
        if name not in known:
            raise InvalidField(
                f"'{name[:50]}' is not a parameter of this route; it takes {', '.join(known)}.",
                param=name[:50],
                code="unknown_parameter",
            )
    values = {name: read(name, query[name]) for name, read in _READERS.items() if query.get(name)}
    user = owner if owner is not None else query.get("user") or None
    filters = UsageFilters(user_id=user, **values)
    if filters.start and filters.end and filters.start >= filters.end:
        raise InvalidField("'end' must be later than 'start'.", param="end")
    return filters


def limit_of(query: Query) -> int:
    """Rows a page. Raises InvalidField."""
    text = query.get("limit") or str(_DEFAULT_LIMIT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise InvalidField(f"'limit' must be 1 to {MAX_LIMIT}.", param="limit")
    return int(text)


def groups_of(query: Query, filters: UsageFilters, *, is_admin: bool) -> list[str]:
    """What to sum by, `day` if nothing is said. Raises InvalidField."""
    allowed = [name for name in GROUPS if is_admin or name != "user"]
    groups = [name.strip() for name in query.get("group_by", "day").split(",") if name.strip()]
    if any(name not in allowed for name in groups) or len(set(groups)) < len(groups):
        raise InvalidField(
            f"'group_by' takes one or more of {', '.join(allowed)}, with commas between them.",
            param="group_by",
        )
    for name in ("state", "cost_quality"):
        if getattr(filters, name) is not None:
            raise InvalidField(
                f"Sums are not kept by '{name}'; leave it out, or list the rows.", param=name
            )
    if not is_whole_days(filters):
        raise InvalidField(
            "Sums are kept by the UTC day: give dates, as 2026-11-25.", param="start"
        )
    return groups


def format_of(query: Query) -> Format:
    """JSON lines if nothing is said. Raises InvalidField."""
    said = query.get("format") or Format.JSONL
    if said not in TEXTS:
        raise InvalidField(f"'format' must be one of {', '.join(TEXTS)}.", param="format")
    return Format(said)


def encode_cursor(key: RowKey) -> str:
    packed = msgspec.msgpack.encode(key)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def cursor_of(query: Query, name: str = "cursor") -> RowKey | None:
    """Where the last page ended. Raises InvalidField."""
    text = query.get(name)
    if not text:
        return None
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        created_at, request_id = msgspec.msgpack.decode(packed, type=tuple[datetime, str])
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidField(
            f"'{name}' is not a valid cursor; use next_cursor from the previous page.", param=name
        ) from error
    if created_at.tzinfo is None or "\0" in request_id:
        raise InvalidField(f"'{name}' is not a valid cursor.", param=name)
    return RowKey(created_at, request_id)


def _moment(name: str, text: str) -> datetime:
    """A date is its midnight in UTC, and a time without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if _DATE.fullmatch(text) or moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidField(
            f"'{name}' must be a date or a time of ISO 8601, as 2026-11-25.", param=name
        ) from error


def _text(name: str, text: str) -> str:
    if len(text) > _MAX_TEXT or "\0" in text:
        raise InvalidField(f"'{name}' is too long or has a NUL in it.", param=name)
    return text


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidField(f"'{name}' must be a number.", param=name)
    return int(text)


def _one_of(*words: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in words:
            raise InvalidField(f"'{name}' must be one of {', '.join(words)}.", param=name)
        return text

    return read


def _flag(name: str, text: str) -> bool:
    return _one_of("true", "false")(name, text) == "true"


_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "start": _moment,
    "end": _moment,
    "team": _text,
    "provider": _text,
    "model": _text,
    "power_level": _text,
    "key": _number,
    "end_user": _text,
    "tag": _text,
    "billed_to": _one_of("user", "platform"),
    "simulated": _flag,
    "state": _one_of("final", "indeterminate"),
    "cost_quality": _one_of(*CostQuality),
}

FILTERS = tuple(_READERS)
"""The parameters that every route takes."""
