"""The options that the commands of `switchyard usage` share: days, amounts and filters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import click


class Day(click.ParamType[datetime]):
    name = "date"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{value!r} is not a date; use 2026-11-25", param, ctx)


class Usd(click.ParamType[Decimal]):
    name = "number"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not number.is_finite() or number < 0:
            self.fail("must be 0 or more", param, ctx)
        return number


start_option = click.option("--start", type=Day(), metavar="DATE", help="First UTC day.")
end_option = click.option("--end", type=Day(), metavar="DATE", help="UTC day after the last one.")
provider_option = click.option(
    "--provider", metavar="SLUG", help="Only this provider's rows; its name works too."
)
model_option = click.option("--model", metavar="ID", help="Only this model's rows.")


def days_ago(days: int) -> datetime:
    """The beginning of that UTC day."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)
