"""A process that kills itself at a point which a test names.

TEST_DEATH names a file. Who gets to the point that is written in it deletes it, and is no more.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

_DEATH = Path(os.environ.get("TEST_DEATH", "/dev/null"))


def before(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def dying(*args: Any, **values: Any) -> Any:
        _die_at(point)
        return call(*args, **values)

    return dying


def behind(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def dying(*args: Any, **values: Any) -> Any:
        result = call(*args, **values)
        _die_at(point)
        return result

    return dying


def behind_awaited(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    async def dying(*args: Any, **values: Any) -> Any:
        result = await call(*args, **values)
        _die_at(point)
        return result

    return dying


def wait_for_death(death: Path, timeout_s: float = 20) -> None:
    """Until somebody died of the point that `death` names. Raises AssertionError if nobody does."""
    ends = time.monotonic() + timeout_s
    while death.exists() and time.monotonic() < ends:
        time.sleep(0.005)
    assert not death.exists(), f"nobody came to {death.read_text()}"


def _die_at(point: str) -> None:
    if _DEATH.is_file() and _DEATH.read_text() == point:
        _DEATH.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
