"""The gateway with a death in it, or a disk that fills up: for the fault tests alone.

Its points of death are those of tests/fakes/death.py. TEST_FULL_DISK names a file: while it is
there the disk has no block left. TEST_WITHOUT names a defence that it lacks.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

from functions.gateway.app import app as app
from shared.completion.usage_writer import UsageWriter
from shared.spool import open as opening
from shared.spool import segment
from shared.spool.frames import frame
from shared.spool.segment import Segment
from shared.spool.spool import Spool
from shared.spool.stream import StreamProducer
from shared.upstream.transport import Transport
from tests.fakes.death import before, behind, behind_awaited
from tests.fakes.defences import SWITCH_OFF

_WITHOUT = os.environ.get("TEST_WITHOUT")
_FULL_DISK = os.environ.get("TEST_FULL_DISK")

_SMALL_SEGMENT = 32 * 1024


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

UsageWriter.write_intent = behind("after_intent", before("before_intent", UsageWriter.write_intent))
Transport.send = behind_awaited("after_upstream", Transport.send)
Spool.final = behind("after_final", before("before_final", Spool.final))
StreamProducer.add = behind_awaited("after_ship", StreamProducer.add)

if _FULL_DISK is not None:
    segment._allocate, Segment.append = _allocate_on_a_full_disk, _append_on_a_full_disk
    opening.Spool = partial(Spool, size=_SMALL_SEGMENT)
if _WITHOUT:
    SWITCH_OFF[_WITHOUT]()
