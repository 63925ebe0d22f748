"""The gateway with a death in it, or a disk that fills up: for the fault tests alone.

TEST_DEATH names a file. The process that gets to the point which it names deletes it and kills
itself. TEST_FULL_DISK names a file: while it is there the disk has no block left.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from functions.chat_completions import settle
from functions.gateway.app import app as app
from shared.upstream.transport import Transport
from shared.usage import open as opening
from shared.usage import segment
from shared.usage.frames import frame
from shared.usage.segment import Segment
from shared.usage.spool import Spool
from shared.usage.stream import UsageStream

_DEATH = Path(os.environ.get("TEST_DEATH", "/dev/null"))
_FULL_DISK = os.environ.get("TEST_FULL_DISK")

_SMALL_SEGMENT = 32 * 1024


def _die_at(point: str) -> None:
    if _DEATH.is_file() and _DEATH.read_text() == point:
        _DEATH.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _before(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def dying(*args: Any, **values: Any) -> Any:
        _die_at(point)
        return call(*args, **values)

    return dying


def _behind(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def dying(*args: Any, **values: Any) -> Any:
        result = call(*args, **values)
        _die_at(point)
        return result

    return dying


def _behind_awaited(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    async def dying(*args: Any, **values: Any) -> Any:
        result = await call(*args, **values)
        _die_at(point)
        return result

    return dying


def _allocate_on_a_full_disk(fd: int, size: int) -> None:
    if Path(_FULL_DISK or "").exists():
        raise OSError(errno.ENOSPC, "the test's disk is full")
    _allocate(fd, size)


def _append_on_a_full_disk(self: Segment, kind: Any, record: bytes) -> int:
    """Blocks that were taken can be written; behind them there is none."""
    if self.offset + len(frame(kind, record)) > self._size and Path(_FULL_DISK or "").exists():  # pyright: ignore[reportPrivateUsage]
        raise OSError(errno.ENOSPC, "the test's disk is full")
    return _append(self, kind, record)


_allocate, _append = segment._allocate, Segment.append  # pyright: ignore[reportPrivateUsage]

settle.intend = _behind("after_intent", _before("before_intent", settle.intend))
Transport.send = _behind_awaited("after_upstream", Transport.send)
Spool.final = _behind("after_final", _before("before_final", Spool.final))
UsageStream.add = _behind_awaited("after_ship", UsageStream.add)

if _FULL_DISK is not None:
    segment._allocate, Segment.append = _allocate_on_a_full_disk, _append_on_a_full_disk
    opening.Spool = partial(Spool, size=_SMALL_SEGMENT)
