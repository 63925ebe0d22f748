"""Waiting for processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil


def wait_for(true: Callable[[], object], within_s: float = 15) -> None:
    """Until `true()` is true; fails after `within_s` seconds."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process and it is not a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
