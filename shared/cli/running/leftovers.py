"""What a killed `switchyard up` left running: remembered on disk, ended by the next one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

_NAME = "up.pids"
_MARK = "SWITCHYARD_DATA_DIR"
_GRACE_S = 5.0


def remember(folder: Path, sessions: Iterable[int]) -> None:
    """Note the sessions (process groups) that run now."""
    (folder / _NAME).write_text("".join(f"{session}\n" for session in sessions))


def forget(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)


def end_leftovers(folder: Path) -> int:
    """End what runs of the remembered sessions, by SIGTERM and after 5 s by SIGKILL.

    A session's number may have gone to somebody else since, so that only processes whose
    environment names this data folder are touched. Gives how many there were.
    """
    try:
        noted = {int(line) for line in (folder / _NAME).read_text().split()}
    except (FileNotFoundError, ValueError):
        noted = set[int]()
    ours = [one for one in psutil.process_iter() if noted and _is_ours(one, noted, folder)]
    for process in ours:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(ours, timeout=_GRACE_S)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=2)
    forget(folder)
    return len(ours)


def _is_ours(process: psutil.Process, sessions: set[int], folder: Path) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.environ().get(_MARK) == str(folder)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def _quietly(send: Callable[[], None]) -> None:
    """It may have ended by itself in between."""
    with suppress(psutil.NoSuchProcess):
        send()
