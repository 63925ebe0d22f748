"""`switchyard export`: the setup as a file that `switchyard apply` takes."""

from __future__ import annotations

import asyncio

import click

from shared.cli.config.sections import sections_over
from shared.cli.config.written import write_config
from shared.cli.failures import failing_in_one_line
from shared.cli.services import database_url
from shared.db.connections import CommandDatabase


@click.group(short_help="Write the setup as a file that `apply` takes.")
def export() -> None:
    """The setup as a file.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@export.command()
@failing_in_one_line()
def config() -> None:
    """Write providers, models, aliases, levels, rules, limits and tokens as YAML.

    It holds no secret: of a token all but its text, and no key of a provider.

    \b
    Example: switchyard export config > switchyard.yaml
    """
    sections = sections_over(CommandDatabase(database_url()))
    click.echo(asyncio.run(write_config(sections)), nl=False)
