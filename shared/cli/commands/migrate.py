"""`switchyard migrate`: bring the database up to date with this release."""

from __future__ import annotations

from collections.abc import Callable

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from shared.cli.failures import CommandFailed, failing_in_one_line, one_line
from shared.cli.services import database_url
from shared.migrate.steps import AdoptionRefused, CopyIncomplete, MigrationRefused
from shared.migrate.steps import migrate as migrate_database


@click.command(short_help="Bring the database up to date with this release.")
@failing_in_one_line()
def migrate() -> None:
    """Create, upgrade and seed the tables; a second run changes nothing.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.

    \b
    Example: switchyard migrate
    """
    run_migrations(database_url(), click.echo)


def run_migrations(url: str, report: Callable[[str], None]) -> None:
    """Migrate the database at `url`; `report` gets a line for each change.

    Raises CommandFailed, which says so if running it again is enough.
    """
    try:
        migrate_database(url, report)
    except (MigrationRefused, AdoptionRefused, CopyIncomplete) as error:
        raise CommandFailed(one_line(error)) from error
    except DBAPIError as error:
        raise CommandFailed(_database_said(error.orig or error)) from error
    except psycopg.Error as error:
        raise CommandFailed(_database_said(error)) from error


def _database_said(error: BaseException) -> str:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return (
            "another session held a lock on a table for more than 5 s;"
            " run `switchyard migrate` again once it has finished"
        )
    return f"PostgreSQL: {one_line(error)}"
