"""`switchyard migrate`: bring the database to the state this release needs."""

from __future__ import annotations

from collections.abc import Callable

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from shared.cli.failures import CommandFailed, failing_in_one_line, one_line
from shared.cli.services import database_url
from shared.migrate.steps import AdoptionRefused, CopyIncomplete, MigrationRefused
from shared.migrate.steps import migrate as migrate_database


@click.command(short_help="Bring the database to the state this release needs.")
@failing_in_one_line()
def migrate() -> None:
    """Make, upgrade and seed the tables; a second run changes nothing.

    Works on DATABASE_URL, else on the database of a running `switchyard up`.
    """
    run_migrations(database_url(), click.echo)


def run_migrations(url: str, report: Callable[[str], None]) -> None:
    """Migrate the database at `url`; `report` gets a line for each thing done.

    Raises CommandFailed, which says that a second run continues where that is so.
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
            "another session holds a lock on a table for more than 5 s;"
            " run `switchyard migrate` again when it is done"
        )
    return f"PostgreSQL: {one_line(error)}"
