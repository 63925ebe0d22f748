"""The PostgreSQL and Valkey of `switchyard up`: started, restarted when they die, and stopped."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from shared.embedded import (
    EmbeddedPostgres,
    EmbeddedValkey,
    start_postgres,
    start_valkey,
)

_LOOK_EVERY_S = 1.0


class EmbeddedServices:
    """Keeps its data in `folder`; `say` gets each line that an operator should see.

    Raises EmbeddedFailed if a service does not start.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self._looked_at_s = 0.0

    def start_postgres(self) -> EmbeddedPostgres:
        # Then the wheel makes a user to run it as.
        if platform.system() == "Linux" and os.geteuid() == 0:
            self._say(
                "running as root, so PostgreSQL runs as user pgserver; every folder above its"
                f" data ({self._folder}) and its binaries is made accessible to that user"
            )
        self._postgres = start_postgres(self._folder / "postgres")
        return self._postgres

    def start_valkey(self) -> EmbeddedValkey:
        self._valkey = start_valkey(self._folder / "valkey")
        return self._valkey

    def revive(self) -> None:
        """Restart what has died, on its old port. Checks at most once a second."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s < _LOOK_EVERY_S:
            return
        self._looked_at_s = now_s
        if self._valkey is not None and self._valkey.process.poll() is not None:
            self._say("Valkey exited; restarting it")
            self._valkey = start_valkey(self._folder / "valkey", port=self._valkey.port)
        if self._postgres is not None and not _is_running(self._postgres):
            self._say("PostgreSQL exited; restarting it")
            self._postgres = start_postgres(self._postgres.folder, port=self._postgres.port)

    def stop(self) -> None:
        """Stop Valkey, then PostgreSQL. Call it after everything that writes to them has ended."""
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None
        if self._postgres is not None:
            postgres, self._postgres = self._postgres, None
            if _is_running(postgres):
                postgres.stop()


def _is_running(server: EmbeddedPostgres) -> bool:
    """Whether the postmaster named in its lock file is running."""
    try:
        pid = int((server.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
