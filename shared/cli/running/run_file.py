"""run.json: where the services of a running `switchyard up` are, for commands elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil

_NAME = "run.json"
_CLOCK_TOLERANCE_S = 2.0


class Run(msgspec.Struct, frozen=True):
    """`psql` is the path of the embedded PostgreSQL's client; None if it is not embedded."""

    pid: int
    url: str
    database_url: str
    redis_url: str
    data_dir: str
    psql: str | None


def write_run_file(folder: Path, run: Run) -> None:
    """Write it, readable only by its owner: the URLs may hold passwords."""
    draft = folder / f"{_NAME}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    draft.replace(folder / _NAME)


def read_run_file(folder: Path) -> Run | None:
    """The run, if its `up` is alive; None if there is no file, or a killed `up` left it."""
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
        # A process that started after the file was written has merely reused the pid.
        return (
            writer.status() != psutil.STATUS_ZOMBIE
            and writer.create_time() <= written_at_s + _CLOCK_TOLERANCE_S
        )
    except psutil.NoSuchProcess:
        return False
