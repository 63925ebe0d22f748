"""`switchyard usage reconcile`: our costs against what providers report, or bill."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

import click
import msgspec

from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.output import json_option, print_rows
from shared.cli.provider_bill import bill_api_of, billed_lines
from shared.cli.services import database_url
from shared.cli.usage_options import (
    Usd,
    days_ago,
    end_option,
    model_option,
    provider_option,
    start_option,
)
from shared.db.session import connect
from shared.ledger.checks import reconcile
from shared.ledger.checks.bills import BillDay, compare_days, ours_by_day
from shared.ledger.filters import UsageFilters
from shared.ledger.rows_as_text import shown

_APPLICATION = "switchyard usage"
_MAX_ROWS = 1000
_DAYS = 31


@click.command("reconcile")
@start_option
@end_option
@provider_option
@model_option
@click.option(
    "--tolerance",
    type=Usd(),
    default="0.01",
    show_default=True,
    metavar="SHARE",
    help="Relative difference to allow.",
)
@click.option("--rows", "as_rows", is_flag=True, help="List rows that differ, instead of models.")
@click.option(
    "--bill",
    "key_file",
    type=click.File(),
    metavar="FILE",
    help="Compare days with the provider's bill; FILE, or - for standard input, has its admin key.",
)
@click.option("--bill-url", metavar="URL", help="Where its cost API is.  [default: the provider]")
@json_option
@failing_in_one_line()
def reconcile_command(
    start: datetime | None,
    end: datetime | None,
    provider: str | None,
    model: str | None,
    tolerance: Decimal,
    as_rows: bool,
    key_file: TextIO | None,
    bill_url: str | None,
    as_json: bool,
) -> None:
    """Compare our costs with what providers reported.

    Also compares daily sums with their rows. Covers the last 31 days unless --start is given. Exits
    with status 1 if any sums do not match their rows. With --bill, compares each day of --provider
    with what its cost API says, and names the likeliest cause where they differ.

    \b
    Example: switchyard usage reconcile --start 2026-11-01 --provider openai
    """
    if key_file is not None:
        if provider is None or model is not None:
            raise CommandFailed("--bill needs --provider, and takes no --model")
        days = _billed_days(provider, key_file.read().strip(), bill_url, start, end, tolerance)
        _print_days(days, as_json)
        return
    filters = UsageFilters(
        None, start=start or days_ago(31), end=end, provider=provider, model=model
    )
    allowed: dict[str, Any] = {"share": tolerance, "usd": Decimal("1e-9")}
    with connect(database_url(), _APPLICATION) as connection:
        drifts = reconcile.drifts(connection, filters)
        if as_rows:
            found = reconcile.rows_apart(connection, filters, **allowed, limit=_MAX_ROWS)
            rows = [shown(row) for row in found]
        else:
            rows = [
                shown({**msgspec.structs.asdict(one), "difference_usd": one.difference_usd})
                for one in reconcile.compare(connection, filters, **allowed)
            ]
    drifted = [shown(msgspec.structs.asdict(one)) for one in drifts]
    if as_json:
        click.echo(msgspec.json.encode({"differences": rows, "drifts": drifted}))
    else:
        print_rows(rows, "No provider reported a cost for these rows.")
        print_rows(drifted, "The daily sums match their rows.")
    if drifts:
        raise CommandFailed(f"{len(drifts)} daily sums do not match their rows")


def _billed_days(
    provider: str,
    key: str,
    url: str | None,
    start: datetime | None,
    end: datetime | None,
    tolerance: Decimal,
) -> list[BillDay]:
    api, host = bill_api_of(provider)
    first, behind = (start or days_ago(_DAYS)).date(), (end or days_ago(0)).date()
    billed = [*billed_lines(api, url or host, key, first, behind)]
    with connect(database_url(), _APPLICATION) as connection:
        ours = ours_by_day(connection, provider, first, behind)
    today = datetime.now(UTC).date()
    return compare_days(ours, billed, start=first, end=behind, today=today, share=tolerance)


def _print_days(days: list[BillDay], as_json: bool) -> None:
    rows = [shown(msgspec.structs.asdict(one)) for one in days]
    if as_json:
        click.echo(msgspec.json.encode({"days": rows}))
    else:
        print_rows(rows, "Neither the provider nor the ledger has costs for these days.")
