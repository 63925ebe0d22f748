"""`switchyard key`: make encryption keys."""

from __future__ import annotations

import json

import click

from shared.vault.keyring import generate_key


@click.group(short_help="Make encryption keys.")
def key() -> None:
    """Keys that seal users' provider keys (BYOK_ENCRYPTION_KEY)."""


@key.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def generate(as_json: bool) -> None:
    """Print a new encryption key, alone on stdout. It is stored nowhere."""
    made = generate_key()
    click.echo(json.dumps({"key": made}) if as_json else made)
