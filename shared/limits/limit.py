"""A row of the table `limits`, as it is held: read leniently, one kind of limit at a time. Pure.

Amounts are whole numbers: requests, tokens, open requests, and nano-USD for money (a double in
Redis holds 9 million USD of those exactly).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from shared.routing.snapshot import Tier

NANO_USD_PER_USD = 10**9
PICO_USD_PER_NANO_USD = 10**3
MOST_USD = 10**6
MOST_COUNT = 10**12
SELECT_LIMITS = b"SELECT * FROM limits WHERE is_active ORDER BY id"
EACH = "*"
"""The subject of a row that holds for each subject without a row of its own."""
MAX_SUBJECT = 256
TIERS = tuple(tier.value for tier in Tier)


class Scope(StrEnum):
    """Whom a row limits; `tier` is the default of each user of that tier."""

    TOKEN = "token"  # noqa: S105  a scope
    USER = "user"
    TEAM = "team"
    TIER = "tier"
    END_USER = "end_user"
    TAG = "tag"
    MODEL = "model"
    CREDENTIAL = "credential"
    ALL = "all"


class Kind(StrEnum):
    """What is limited, by the name of its column."""

    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"
    CONCURRENT = "concurrent_requests"
    DAY = "budget_day_usd"
    MONTH = "budget_month_usd"

    @property
    def is_money(self) -> bool:
        return self in (Kind.DAY, Kind.MONTH)

    @property
    def is_rate(self) -> bool:
        return self in (Kind.REQUESTS, Kind.TOKENS)


class OnBudget(StrEnum):
    """What happens to a request that a budget cannot pay for."""

    REFUSE = "refuse"
    STEP_DOWN = "step_down"


_Word = TypeVar("_Word", Scope, OnBudget)


class BadLimit(ValueError):
    """A row that cannot be held; `column` is at fault."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class Limit(msgspec.Struct, frozen=True):
    """`amounts` has what is limited. `is_soft` refuses nothing. Days and months are of `zone`."""

    id: int
    scope: Scope
    subject: str
    amounts: tuple[tuple[Kind, int], ...]
    is_soft: bool
    on_budget: OnBudget
    counts_byok: bool
    zone: ZoneInfo


def read_limit(row: Mapping[str, Any]) -> Limit:
    """The limit that a row of the table is. Raises BadLimit for one that cannot be held."""
    scope = _one_of(Scope, "scope", row["scope"])
    return Limit(
        id=row["id"],
        scope=scope,
        subject=_subject(scope, row["subject"]),
        amounts=_amounts(row),
        is_soft=row["is_soft"],
        on_budget=_one_of(OnBudget, "on_budget", row["on_budget"]),
        counts_byok=row["counts_byok"],
        zone=_zone(row["time_zone"]),
    )


def read_limits(
    rows: Iterable[Mapping[str, Any]],
) -> tuple[list[Limit], list[tuple[int, BadLimit]]]:
    """Those that can be held; and the ids of those that cannot, and why."""
    found: list[Limit] = []
    bad: list[tuple[int, BadLimit]] = []
    for row in rows:
        try:
            found.append(read_limit(row))
        except BadLimit as error:
            bad.append((row["id"], error))
    return found, bad


def _one_of(kinds: type[_Word], column: str, text: str) -> _Word:
    try:
        return kinds(text)
    except ValueError as error:
        names = ", ".join(kinds)
        raise BadLimit(column, f"{column} must be one of {names}, not '{text[:100]}'.") from error


def _subject(scope: Scope, subject: str) -> str:
    if not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise BadLimit("subject", f"subject must be 1 to {MAX_SUBJECT} printable characters.")
    if scope is Scope.ALL and subject != EACH:
        raise BadLimit("subject", "The subject of the scope 'all' is '*'.")
    if scope is Scope.TIER and subject not in TIERS:
        raise BadLimit("subject", f"The subject of the scope 'tier' is one of {', '.join(TIERS)}.")
    if scope is Scope.TOKEN and subject != EACH and not subject.isdecimal():
        raise BadLimit("subject", "The subject of the scope 'token' is the id of an access token.")
    return subject


def _amounts(row: Mapping[str, Any]) -> tuple[tuple[Kind, int], ...]:
    amounts = [(kind, _amount(kind, row[kind])) for kind in Kind if row[kind] is not None]
    if not amounts:
        names = ", ".join(kind.value for kind in Kind)
        raise BadLimit("limits", f"The row limits nothing; give at least one of {names}.")
    return tuple(amounts)


def _amount(kind: Kind, value: int | Decimal) -> int:
    if kind.is_money:
        if not Decimal(value).is_finite() or not 0 <= value <= MOST_USD:
            raise BadLimit(kind, f"{kind} must be 0 to {MOST_USD} USD.")
        return int(value * NANO_USD_PER_USD)
    if not 0 <= value <= MOST_COUNT:
        raise BadLimit(kind, f"{kind} must be 0 to {MOST_COUNT}.")
    return int(value)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise BadLimit(
            "time_zone", f"'{name[:100]}' is not a time zone; use a name such as Europe/Berlin."
        ) from error


def nano_usd(pico_usd: int) -> int:
    """Rounded up: no cost counts as nothing."""
    return -(-pico_usd // PICO_USD_PER_NANO_USD)
