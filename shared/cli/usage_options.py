"""What the commands of `switchyard usage` are asked for: days, amounts, and which rows."""

from __future__ import annotations

from datetime import UTC, datetime
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
            self.fail(f"{value!r} is no date; write 2026-11-25", param, ctx)


class Usd(click.ParamType[Decimal]):
    name = "number"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no number", param, ctx)
        if not number.is_finite() or number < 0:
            self.fail("it must be 0 or more", param, ctx)
        return number


start_option = click.option("--start", type=Day(), metavar="DATE", help="The first UTC day.")
end_option = click.option(
    "--end", type=Day(), metavar="DATE", help="The UTC day behind the last one."
)
provider_option = click.option("--provider", metavar="SLUG", help="Rows of this provider alone.")
model_option = click.option("--model", metavar="ID", help="Rows of this model alone.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
