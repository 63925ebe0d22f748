"""`switchyard key`: generate encryption keys, reseal with the newest, verify that all opens."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from shared.cli import resealing
from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.running.data_folder import KEY_FILE, read_key_file
from shared.cli.services import data_folder, database_url
from shared.db.session import connect
from shared.settings import VaultSettings, load_settings
from shared.vault.keyring import KeyRing, generate_key, parse_key_ring
from shared.vault.sealing import Vault
from shared.vault.sources import read_key_ring, wrap_key

_SHOWN = 10


@click.group(short_help="Generate, rotate and verify encryption keys.")
def key() -> None:
    """Encryption keys, which seal stored provider keys (BYOK_ENCRYPTION_KEY).

    \b
    To replace the key, complete each step on every process before the next:
      1. BYOK_ENCRYPTION_KEY=<old>,<new>   restart: the new key can open
      2. BYOK_ENCRYPTION_KEY=<new>,<old>   restart: the new key seals
      3. switchyard key rotate             reseals everything with it
      4. switchyard key verify             confirms that the old key can go
      5. BYOK_ENCRYPTION_KEY=<new>         once no backup needs the old key
    `switchyard up` reads the same list from byok.key in the data folder,
    and needs one restart in place of steps 1 and 2.
    """


@key.command()
@click.option("--kms", "kms_key_id", metavar="ID", help="Wrap it with this AWS KMS key.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def generate(kms_key_id: str | None, as_json: bool) -> None:
    """Print a new encryption key on stdout. It is not stored anywhere.

    With --kms the key is printed wrapped, for BYOK_KEY_SOURCE=aws-kms:ID.

    \b
    Example: switchyard key generate
    """
    made = generate_key()
    if kms_key_id is not None:
        try:
            made = wrap_key(made, kms_key_id)
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    click.echo(json.dumps({"key": made}) if as_json else made)


@key.command()
@click.option("--adopt", is_flag=True, help="Also take over keys sealed by the older system.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def rotate(adopt: bool, as_json: bool) -> None:
    """Reseal every stored key with the newest encryption key.

    Safe while requests are served, and safe to interrupt: a second run continues. With --adopt,
    keys that were stored without an owner are sealed to the user and provider of their row.

    \b
    Example: switchyard key rotate
    """
    vault = Vault(key_ring(data_folder()))
    with _connect("rotate") as connection:
        total = resealing.count_to_reseal(connection, vault, adopt=adopt)
        with _progress("resealing", total) as progress:
            done = resealing.rotate(connection, vault, progress, adopt=adopt)
    if as_json:
        click.echo(msgspec.json.encode(done))
    else:
        adopted = f", {done.adopted} of them adopted" if adopt else ""
        click.echo(f"{done.resealed} keys resealed with {done.key_id}{adopted}; {done.left} left")
        _list_closed(done.closed)
    if done.closed or done.left:
        raise CommandFailed(_what_to_do(done.closed, done.left))


@key.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def verify(as_json: bool) -> None:
    """Check that every stored key can be opened.

    Also reports whether older encryption keys are still needed.

    \b
    Example: switchyard key verify
    """
    vault = Vault(key_ring(data_folder()))
    with _connect("verify") as connection:
        total = resealing.count_to_reseal(connection, vault, adopt=True)
        with _progress("verifying", total) as progress:
            found = resealing.verify(connection, vault, progress)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        click.echo(f"{found.open} of {found.rows} keys can be opened")
        if found.older:
            click.echo(f"{found.older} still need an older key; run `switchyard key rotate`")
        elif len(vault.ring.ids) > 1:
            click.echo(f"all of them need only key {found.key_id}; the older keys can be removed")
        _list_closed(found.closed)
    if found.closed:
        raise CommandFailed(_what_to_do(found.closed, 0))


def _connect(command: str) -> psycopg.Connection[tuple[object, ...]]:
    return connect(database_url(), f"switchyard key {command}")


@contextmanager
def _progress(what: str, total: int) -> Generator[resealing.Progress]:
    """A progress bar on a terminal; elsewhere a line on stderr after each tenth of the work."""
    if sys.stderr.isatty():
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(what, *columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=total)
            yield lambda rows: bar.advance(task, rows)
        return
    done = said = 0

    def say(rows: int) -> None:
        nonlocal done, said
        done += rows
        if done * 10 // max(total, 1) > said * 10 // max(total, 1):
            said = done
            click.echo(f"{what}: {done} of {max(total, done)}", err=True)

    yield say


def _list_closed(closed: list[resealing.Closed]) -> None:
    for one in closed[:_SHOWN]:
        whose = "the platform" if one.user_id is None else one.user_id
        click.echo(f"  {one.table} {one.id}, {whose} at {one.provider}: {one.why}", err=True)
    if len(closed) > _SHOWN:
        click.echo(f"  … and {len(closed) - _SHOWN} more; --json lists them all", err=True)


def _what_to_do(closed: list[resealing.Closed], left: int) -> str:
    if any(one.why == "no_owner" for one in closed):
        return (
            "some keys were sealed without an owner;"
            " `switchyard key rotate --adopt` takes them over"
        )
    if closed:
        return f"{len(closed)} keys cannot be opened; their owners must store them again"
    return (
        f"{left} keys were sealed with an older key in the meantime;"
        " restart the processes that still use it, then rotate again"
    )


def key_ring(folder: Path) -> KeyRing:
    """The keys of BYOK_KEY_SOURCE, or else of the key file of `switchyard up`.

    Raises CommandFailed if there is none, or if it is malformed.
    """
    settings = load_settings(VaultSettings)[VaultSettings]
    try:
        if settings.key_source == "env" and settings.byok_encryption_key is None:
            held = read_key_file(folder)
            if held is not None:
                return parse_key_ring(held)
        return read_key_ring(settings)
    except PermissionError as error:
        raise CommandFailed(f"{folder / KEY_FILE} belongs to another user") from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
