"""run.json: where a running `switchyard up` has its services, for commands in other terminals."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil

_NAME = "run.json"
_CLOCK_TOLERANCE_S = 2.0


class Run(msgspec.Struct, frozen=True):
    """`psql` is the path of the embedded PostgreSQL's client; None where PostgreSQL is a given."""

    pid: int
    url: str
    database_url: str
    redis_url: str
    data_dir: str
    psql: str | None
    simulated: bool


def write_run_file(folder: Path, run: Run) -> None:
    """Write it readable by its owner alone: the URLs may hold passwords."""
    draft = folder / f"{_NAME}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    draft.replace(folder / _NAME)


def read_run_file(folder: Path) -> Run | None:
    """The run whose `up` is alive; None where there is none, or only what a killed one left."""
    file = folder / _NAME
    try:
        run = msgspec.json.decode(file.read_bytes(), type=Run)
        written_at_s = file.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError, PermissionError, msgspec.DecodeError):
        return None
    return run if _is_writer_alive(run.pid, written_at_s) else None


def remove_run_file(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)


def _is_writer_alive(pid: int, written_at_s: float) -> bool:
    try:
        writer = psutil.Process(pid)
        # A process born after the file was written only has the number of the one that wrote it.
        return (
            writer.status() != psutil.STATUS_ZOMBIE
            and writer.create_time() <= written_at_s + _CLOCK_TOLERANCE_S
        )
    except psutil.NoSuchProcess:
        return False
