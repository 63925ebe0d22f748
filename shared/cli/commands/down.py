"""`switchyard down`: end the running `switchyard up`, or what a killed one left behind."""

from __future__ import annotations

import os
import signal
import time

import click
import psutil

from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.running.data_folder import locked
from shared.cli.running.leftovers import end_leftovers
from shared.cli.services import data_folder, running_up
from shared.embedded import stop_leftovers

_WAIT_S = 40.0


@click.command(short_help="End the running gateway, or what a killed one left.")
@failing_in_one_line()
def down() -> None:
    """End the `switchyard up` of this data folder, as Ctrl-C does.

    If it was killed, end the processes that it left, PostgreSQL and Valkey too. Stored data stays.

    \b
    Example: switchyard down
    """
    run = running_up()
    if run is not None:
        os.kill(run.pid, signal.SIGINT)
        if not _has_ended(run.pid):
            raise CommandFailed(f"`switchyard up` (process {run.pid}) did not end in {_WAIT_S:g} s")
        click.echo("The gateway has ended.", err=True)
        return
    folder = data_folder()
    ended = 0
    if folder.is_dir():
        # One that is still starting holds the lock, and must not lose its services.
        with locked(folder):
            ended = end_leftovers(folder) + stop_leftovers(folder)
    click.echo(
        f"Ended what a killed `switchyard up` left (processes: {ended})."
        if ended
        else "Nothing is running.",
        err=True,
    )


def _has_ended(pid: int) -> bool:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        if not psutil.pid_exists(pid):
            return True
        time.sleep(0.1)
    return False
