"""The data folder of `switchyard up`: one `up` at a time, and the key file it makes."""

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


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Make the folder and hold it. Raises CommandFailed where another `up` does, or it cannot be.

    The lock goes with the process that holds it, however that ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CommandFailed(
            f"{folder} cannot be the data folder ({error.strerror});"
            " set SWITCHYARD_DATA_DIR to one that can be written"
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


def read_key_file(folder: Path) -> str | None:
    """The encryption key that `up` made; None where there is none. Raises PermissionError."""
    try:
        return (folder / KEY_FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def ensure_key_file(folder: Path) -> str:
    """The key in the folder's key file, made (0600) if missing.

    Raises CommandFailed where the file holds no key: a new one would not open what the old sealed.
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
    """An empty folder for the metrics of several web processes: an earlier run's are not this's."""
    metrics = folder / _METRICS
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    return metrics
