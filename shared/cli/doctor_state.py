"""What `switchyard doctor` finds in what is kept: stored keys, and what a killed `up` left."""

from __future__ import annotations

from pathlib import Path

import psycopg

from shared.cli import resealing
from shared.cli.commands.key import key_ring
from shared.cli.doctor_checks import Finding, State
from shared.cli.failures import CommandFailed
from shared.cli.running.leftovers import find_leftovers
from shared.cli.running.run_file import Run
from shared.cli.services import database_url
from shared.db.session import connect
from shared.settings import SettingsInvalid
from shared.vault.sealing import Vault

_TIMEOUT_S = 5


def check_leftovers(run: Run | None, folder: Path) -> list[Finding]:
    """Processes of an `up` that was killed: they serve on, and nobody watches them."""
    left = [] if run is not None else find_leftovers(folder)
    if not left:
        return []
    detail = f"it was killed, and {len(left)} of its processes still run"
    fix = "end them with `switchyard down`, or replace them with `switchyard up`"
    return [Finding("`switchyard up`", State.WRONG, detail, fix)]


def check_stored_keys(folder: Path) -> list[Finding]:
    """Whether the encryption key opens what is stored. Silent where another check has failed."""
    try:
        vault = Vault(key_ring(folder))
        with connect(database_url(), "switchyard doctor", within_s=_TIMEOUT_S) as connection:
            found = resealing.verify(connection, vault, lambda _: None)
    except (CommandFailed, SettingsInvalid, psycopg.Error):
        # Each has a check of its own, which says so.
        return []
    if found.closed:
        detail = f"{len(found.closed)} of {found.rows} cannot be opened"
        fix = "add the key that sealed them to BYOK_ENCRYPTION_KEY; see `switchyard key verify`"
        return [Finding("stored keys", State.WRONG, detail, fix)]
    return [Finding("stored keys", State.OK, f"{found.rows} of {found.rows} can be opened")]
