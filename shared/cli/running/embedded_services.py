"""The PostgreSQL and Valkey of `switchyard up`: started where none is given, revived, stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from shared.embedded import (
    EmbeddedPostgres,
    EmbeddedValkey,
    is_root_on_linux,
    start_postgres,
    start_valkey,
)

_LOOK_EVERY_S = 1.0


class EmbeddedServices:
    """Data in folders of `folder`; `say` gets a line for each thing that an operator should know.

    A failed start raises EmbeddedFailed.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self._looked_at_s = 0.0

    def start_postgres(self) -> EmbeddedPostgres:
        if is_root_on_linux():
            self._say(
                "running as root: PostgreSQL runs as user pgserver, and every folder above its"
                f" data ({self._folder}) and its programs is made passable for that user"
            )
        self._postgres = start_postgres(self._folder / "postgres")
        return self._postgres

    def start_valkey(self) -> EmbeddedValkey:
        self._valkey = start_valkey(self._folder / "valkey")
        return self._valkey

    def revive(self) -> None:
        """Start again what died, on its old port; looks at most once a second."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s < _LOOK_EVERY_S:
            return
        self._looked_at_s = now_s
        if self._valkey is not None and self._valkey.process.poll() is not None:
            self._say("Valkey ended; starting it again")
            self._valkey = start_valkey(self._folder / "valkey", port=self._valkey.port)
        if self._postgres is not None and not _is_running(self._postgres):
            self._say("PostgreSQL ended; starting it again")
            self._postgres = start_postgres(self._postgres.folder, port=self._postgres.port)

    def stop(self) -> None:
        """Valkey, then PostgreSQL: after everything that writes to them."""
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None
        if self._postgres is not None:
            postgres, self._postgres = self._postgres, None
            if _is_running(postgres):
                postgres.stop()


def _is_running(server: EmbeddedPostgres) -> bool:
    """Whether the postmaster that its lock file names is there."""
    try:
        pid = int((server.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
