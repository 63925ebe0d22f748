"""`switchyard usage`: export it, price it again, compare it, and tell billing again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.services import database_url
from shared.cli.usage_options import (
    Day,
    Usd,
    end_option,
    json_option,
    model_option,
    provider_option,
    start_option,
)
from shared.db.audit import Action, Actor, append_audit_from_command
from shared.db.session import connect
from shared.ledger import outbox as usage_outbox
from shared.ledger import reconcile as usage_reconcile
from shared.ledger.export import ExportMismatch, Manifest, export, verify
from shared.ledger.export_store import Store, open_store
from shared.ledger.filters import UsageFilters
from shared.ledger.quarantine import list_quarantined, retry_quarantined
from shared.ledger.reprice import NOTHING, reprice
from shared.ledger.rows_as_text import Format, numeral, shown

_ACTOR = "switchyard usage"
_MAX_ROWS = 1000


@click.group(short_help="Export usage, price it again, compare it, tell billing again.")
def usage() -> None:
    """The ledger of usage.

    Works on DATABASE_URL, else on the database of a running `switchyard up`.
    """


@usage.command("export")
@click.option(
    "--to", "place", required=True, metavar="PLACE", help="A folder, or s3://bucket/prefix."
)
@start_option
@click.option(
    "--end", type=Day(), metavar="DATE", help="The UTC day behind the last one.  [default: today]"
)
@click.option("--user", "user_id", metavar="ID", help="Rows of this user alone.")
@provider_option
@model_option
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.JSONL.value,
    show_default=True,
)
@click.option("--verify", "verifies", is_flag=True, help="Only check what is there.")
@json_option
@failing_in_one_line()
def export_command(
    place: str,
    start: datetime | None,
    end: datetime | None,
    user_id: str | None,
    provider: str | None,
    model: str | None,
    form: str,
    verifies: bool,
    as_json: bool,
) -> None:
    """Write rows to a folder or to S3, in parts, with a manifest of counts, sums and digests.

    Run it again with the same words to go on where it was ended. Without --end the days up to
    yesterday: rows of a day that is not over are still coming in.
    """
    filters = UsageFilters(
        user_id, start=start, end=end or _days_ago(0), provider=provider, model=model
    )
    try:
        store = open_store(place)
        manifest = verify(store) if verifies else _export(store, filters, Format(form))
    except ImportError as error:
        raise CommandFailed("S3 needs boto3: pip install 'switchyard[aws]'") from error
    except (ExportMismatch, ValueError) as error:
        raise CommandFailed(f"{place}: {error}") from error
    if as_json:
        click.echo(manifest.encode().rstrip())
        return
    is_whole = "complete" if manifest.is_complete else "not complete: run it again"
    click.echo(
        f"{manifest.rows} rows in {len(manifest.parts)} parts,"
        f" {numeral(manifest.cost_total_usd)} USD, {is_whole}."
    )


def _export(store: Store, filters: UsageFilters, form: Format) -> Manifest:
    with _connect() as connection:
        for manifest in export(connection, store, filters, form):
            click.echo(f"{manifest.rows} rows written", err=True)
    return verify(store)


@usage.command("reprice")
@start_option
@end_option
@provider_option
@model_option
@click.option("--all", "every", is_flag=True, help="Rows that have a cost, too.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what it would come to.")
@json_option
@failing_in_one_line()
def reprice_command(
    start: datetime | None,
    end: datetime | None,
    provider: str | None,
    model: str | None,
    every: bool,
    dry: bool,
    as_json: bool,
) -> None:
    """Price rows without a cost by prices that came later.

    Each gets the price that was in force when it was made, else the first that came after. The row
    stays as it is: an adjustment is added beside it, and billing hears of that. Safe to run again.
    """
    filters = UsageFilters(None, start=start, end=end, provider=provider, model=model)
    done = NOTHING
    with _connect() as connection:
        for batch in reprice(connection, filters, every=every, by=_ACTOR, dry=dry):
            done = done.plus(batch)
            click.echo(f"{done.rows} rows read, {done.adjusted} adjusted", err=True)
        if done.adjusted and not dry:
            append_audit_from_command(
                connection,
                Actor(_ACTOR),
                Action.USAGE_REPRICED,
                "usage",
                None,
                details={"adjusted": done.adjusted, "amount_usd": numeral(done.amount_usd)},
            )
    if as_json:
        click.echo(msgspec.json.encode(shown(done._asdict())))
        return
    would = "would be" if dry else "are"
    click.echo(
        f"{done.adjusted} rows {would} adjusted, by {numeral(done.amount_usd)} USD together."
    )
    if done.unpriced:
        click.echo(f"{done.unpriced} rows still have no price, or no token counts.", err=True)


@usage.command("reconcile")
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
    help="What two costs may differ by.",
)
@click.option("--rows", "as_rows", is_flag=True, help="List the rows that differ, not models.")
@json_option
@failing_in_one_line()
def reconcile_command(
    start: datetime | None,
    end: datetime | None,
    provider: str | None,
    model: str | None,
    tolerance: Decimal,
    as_rows: bool,
    as_json: bool,
) -> None:
    """Compare our costs with those that providers report, and the sums with the rows.

    The last 31 days if nothing is said. Exit status 1 where the sums are not those of the rows.
    """
    filters = UsageFilters(
        None, start=start or _days_ago(31), end=end, provider=provider, model=model
    )
    allowed: dict[str, Any] = {"share": tolerance, "usd": Decimal("1e-9")}
    with _connect() as connection:
        drifts = usage_reconcile.drifts(connection, filters)
        if as_rows:
            found = usage_reconcile.rows_apart(connection, filters, **allowed, limit=_MAX_ROWS)
            rows = [shown(row) for row in found]
        else:
            rows = [
                shown({**msgspec.structs.asdict(one), "difference_usd": one.difference_usd})
                for one in usage_reconcile.compare(connection, filters, **allowed)
            ]
    drifted = [shown(msgspec.structs.asdict(one)) for one in drifts]
    if as_json:
        click.echo(msgspec.json.encode({"differences": rows, "drifts": drifted}))
    else:
        _print(rows, "No provider reported a cost of these rows.")
        _print(drifted, "The daily sums are those of the rows.")
    if drifts:
        raise CommandFailed(f"the sums of {len(drifts)} days are not those of their rows")


@usage.command("replay")
@click.option(
    "--request-id", "ids", multiple=True, help="Every event of this request, sent or not."
)
@json_option
@failing_in_one_line()
def replay_command(ids: tuple[str, ...], as_json: bool) -> None:
    """Make dead letters of billing due again; the worker sends them within 10 s."""
    with _connect() as connection:
        number = usage_outbox.replay(connection, [*ids] or None)
        waiting, failed = usage_outbox.outbox_state(connection)
    if as_json:
        counts = {"replayed": number, "waiting": waiting, "failed": failed}
        click.echo(msgspec.json.encode(counts))
    else:
        click.echo(f"{number} events are due again; {waiting} wait, {failed} are dead letters.")


@usage.command("quarantine")
@click.option("--retry", "retries", is_flag=True, help="Write them: what was wrong is mended.")
@json_option
@failing_in_one_line()
def quarantine_command(retries: bool, as_json: bool) -> None:
    """List records that could not be rows. Exit status 1 where --retry leaves some."""
    left: dict[int, str] = {}
    with _connect() as connection:
        found = list_quarantined(connection)
        if retries:
            for one in found:
                error = retry_quarantined(connection, one.id)
                if error is not None:
                    left[one.id] = error
            found = [one for one in found if one.id in left]
    rows = [shown(msgspec.structs.asdict(one)) for one in found]
    for row in rows:
        row["error"] = left.get(row["id"], row["error"])
    if as_json:
        click.echo(msgspec.json.encode(rows))
    else:
        _print(rows, "Nothing is in quarantine.")
    if left:
        raise CommandFailed(f"{len(left)} could not be written")


def _connect() -> psycopg.Connection[Any]:
    return connect(database_url(), _ACTOR)


def _days_ago(days: int) -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def _print(rows: list[dict[str, Any]], otherwise: str) -> None:
    if not rows:
        click.echo(otherwise)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return "" if value is None else str(value)
