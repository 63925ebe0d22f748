"""The data folder of `switchyard up`: one `up` at a time, and the key file it creates."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from shared.cli.failures import CommandFailed
from shared.cli.running.run_file import read_run_file
from shared.vault.keyring import generate_key, parse_key_ring

KEY_FILE = "byok.key"
_LOCK = "up.lock"
_METRICS = "metrics"
_EMPTY = "empty"
_OURS = (_LOCK, _METRICS, "run.json", "up.pids", "postgres.port", "spool", "valkey")


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Lock the folder, created if missing. Raises CommandFailed if that fails or `up` runs there.

    The lock ends with the process that holds it, however that ends.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(folder)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandFailed(
            f"cannot use {folder} as the data folder ({error.strerror});"
            " set SWITCHYARD_DATA_DIR to a writable folder"
        ) from error
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            run = read_run_file(folder)
            where = f", {run.url}" if run else ""
            raise CommandFailed(
                f"already running on {folder}, pid {lock.read().strip() or 'unknown'}{where}"
            ) from None
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _close_to_others(folder: Path) -> None:
    """What an earlier release left readable by all.

    By name: the folder may hold what is not ours, and is not closed itself, since as root
    PostgreSQL runs as another user, who has to get to its own data in it.
    """
    for name in _OURS:
        for path in (folder / name, *(folder / name).rglob("*")):
            if path.exists() and not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o077)


def read_key_file(folder: Path) -> str | None:
    """The encryption key that `up` created, or None. Raises PermissionError."""
    try:
        return (folder / KEY_FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def ensure_key_file(folder: Path) -> str:
    """The key in the folder's key file, which is created (0600) if missing.

    Raises CommandFailed if the file holds no valid key: a new one could not open what the old one
    sealed.
    """
    known = read_key_file(folder)
    if known is None:
        known = generate_key()
        descriptor = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{known}\n")
            file.flush()
            os.fsync(file.fileno())
    try:
        parse_key_ring(known)
    except ValueError as error:
        raise CommandFailed(f"{folder / KEY_FILE}: {error}") from error
    return known


def fresh_metrics_folder(folder: Path) -> Path:
    """An empty folder for the metrics of several web processes, without those of an earlier run."""
    metrics = folder / _METRICS
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    return metrics


def empty_folder(folder: Path) -> Path:
    """A folder to start processes in. Python looks for modules where it starts, and a folder named
    `functions` or `shared` there would be taken for ours.
    """
    empty = folder / _EMPTY
    empty.mkdir(mode=0o700, exist_ok=True)
    return empty
