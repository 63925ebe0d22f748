"""`switchyard usage`: export, reprice and reconcile usage, and resend it to billing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
import msgspec
import psycopg

from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.output import json_option, print_rows
from shared.cli.services import database_url
from shared.cli.usage_options import (
    Day,
    days_ago,
    end_option,
    model_option,
    provider_option,
    start_option,
)
from shared.cli.usage_reconcile import reconcile_command
from shared.cli.usage_show import show_command
from shared.db.audit import Action, Actor, append_audit_from_command
from shared.db.session import connect
from shared.ledger import outbox as usage_outbox
from shared.ledger.export import ExportMismatch, Manifest, export, verify
from shared.ledger.export_store import Store, open_store
from shared.ledger.filters import UsageFilters
from shared.ledger.quarantine import list_quarantined, retry_quarantined
from shared.ledger.reprice import NOTHING, reprice
from shared.ledger.rows_as_text import Format, numeral, shown

_ACTOR = "switchyard usage"
_MAX_ROWS = 1000


@click.group(short_help="Show, export, reprice and reconcile usage; resend it to billing.")
def usage() -> None:
    """The usage ledger.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


usage.add_command(show_command)
usage.add_command(reconcile_command)


@usage.command("export")
@click.option(
    "--to", "place", required=True, metavar="TARGET", help="A folder, or s3://bucket/prefix."
)
@start_option
@click.option(
    "--end", type=Day(), metavar="DATE", help="UTC day after the last one.  [default: today]"
)
@click.option("--user", "user_id", metavar="ID", help="Only this user's rows.")
@provider_option
@model_option
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.JSONL.value,
    show_default=True,
)
@click.option("--verify", "verifies", is_flag=True, help="Only check an existing export.")
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
    """Export usage rows to a folder or to S3.

    A manifest holds the counts, sums and digests of all parts. To resume an interrupted export, run
    the same command again. Without --end, exports up to and including yesterday, because rows of
    the current day are still coming in.

    \b
    Example: switchyard usage export --to usage --start 2026-11-01
    """
    filters = UsageFilters(
        user_id, start=start, end=end or days_ago(0), provider=provider, model=model
    )
    try:
        store = open_store(place)
        manifest = verify(store) if verifies else _export(store, filters, Format(form))
    except ImportError as error:
        extra = "parquet" if error.name == "pyarrow" else "aws"
        raise CommandFailed(
            f"this needs {error.name}: pip install 'switchyard-gateway[{extra}]'"
        ) from error
    except (ExportMismatch, ValueError) as error:
        raise CommandFailed(f"{place}: {error}") from error
    if as_json:
        click.echo(manifest.encode().rstrip())
        return
    is_whole = "complete" if manifest.is_complete else "incomplete: run it again"
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
@click.option("--all", "every", is_flag=True, help="Include rows that have a cost.")
@click.option("--dry-run", "dry", is_flag=True, help="Show the result without saving it.")
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
    """Price rows that have no cost.

    Each row gets the price in force when it was written, or else the first one after it. The row
    itself does not change: an adjustment is added beside it and sent to billing. Safe to run again.

    \b
    Example: switchyard usage reprice --start 2026-11-01 --dry-run
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
    would = "would be" if dry else "were"
    click.echo(
        f"{done.adjusted} rows {would} adjusted, by {numeral(done.amount_usd)} USD in total."
    )
    if done.unpriced:
        click.echo(f"{done.unpriced} rows still have no price, or no token counts.", err=True)


@usage.command("replay")
@click.option(
    "--request-id", "ids", multiple=True, help="Resend all events of this request; repeatable."
)
@json_option
@failing_in_one_line()
def replay_command(ids: tuple[str, ...], as_json: bool) -> None:
    """Resend billing events that became dead letters.

    The worker sends them within 10 s.

    \b
    Example: switchyard usage replay --json
    """
    with _connect() as connection:
        number = usage_outbox.replay(connection, [*ids] or None)
        waiting, failed = usage_outbox.outbox_state(connection)
    if as_json:
        counts = {"replayed": number, "waiting": waiting, "failed": failed}
        click.echo(msgspec.json.encode(counts))
    else:
        click.echo(f"{number} events queued again; {waiting} waiting, {failed} dead letters.")


@usage.command("quarantine")
@click.option("--retry", "retries", is_flag=True, help="Write them, once the cause is fixed.")
@json_option
@failing_in_one_line()
def quarantine_command(retries: bool, as_json: bool) -> None:
    """List records that could not be written as rows.

    Exits with status 1 if --retry leaves any.

    \b
    Example: switchyard usage quarantine --retry
    """
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
        print_rows(rows, "The quarantine is empty.")
    if left:
        raise CommandFailed(f"{len(left)} records could not be written")


def _connect() -> psycopg.Connection[Any]:
    return connect(database_url(), _ACTOR)
