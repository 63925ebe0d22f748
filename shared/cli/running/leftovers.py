"""What a killed `switchyard up` left running: noted on disk, and ended by the next one."""

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
    """Note the sessions (process groups) that are running now."""
    (folder / _NAME).write_text("".join(f"{session}\n" for session in sessions))


def forget(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)


def end_leftovers(folder: Path) -> int:
    """End the processes of the noted sessions, with SIGTERM and after 5 s with SIGKILL.

    The session's id may have been reused since, so only processes whose environment names this data
    folder are touched. Returns how many there were.
    """
    ours = find_leftovers(folder)
    for process in ours:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(ours, timeout=_GRACE_S)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=2)
    forget(folder)
    return len(ours)


def find_leftovers(folder: Path) -> list[psutil.Process]:
    """The processes of the noted sessions that still run; while an `up` runs, they are its own."""
    try:
        noted = {int(line) for line in (folder / _NAME).read_text().split()}
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
        return []
    return [each for each in psutil.process_iter() if _is_ours(each, noted, folder)]


def _is_ours(process: psutil.Process, sessions: set[int], folder: Path) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.environ().get(_MARK) == str(folder)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def _quietly(send: Callable[[], None]) -> None:
    """The process may have ended on its own in the meantime."""
    with suppress(psutil.NoSuchProcess):
        send()
