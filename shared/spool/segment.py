"""One file of the spool, owned by the process that holds its lock.

Written by pwrite into blocks taken beforehand: what is written survives the death of the process,
and a full disk shows when a segment is made, never when an answer is billed. Not by mmap, which is
1.5 us faster a record, but answers a failing disk with SIGBUS.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from shared.spool.frames import MARK, NO_MARK, Frame, Kind, frame, read_frames

SEGMENT_BYTES = 16 * 1024 * 1024
SUFFIX = ".spool"
DAMAGED_SUFFIX = ".damaged"
_NEW_SUFFIX = ".new"
_MAGIC = b"SYSPOOL2"
# Of the last release, whose segments may still lie there; this reader of them goes with the next.
_LAST_MAGIC = b"SYSPOOL1"
_STALE_S = 60.0
_BLOCK = 4096
_ZEROS = bytes(1024 * 1024)


class Segment:
    """`start` is where the first frame is and `offset` where the next one goes.

    Up to `shipped` frames were sent on. `reserved` bytes are kept for FINALs that are awaited.
    """

    def __init__(self, path: Path, fd: int, size: int, mark: bytes = MARK) -> None:
        self.path = path
        self.start = len(_MAGIC)
        self.made_at = time.monotonic()
        self.offset = self.start
        self.shipped = self.start
        self.reserved = 0
        self.is_dirty = False
        self._fd = fd
        self._size = size
        self._mark = mark

    @classmethod
    def make(cls, folder: Path, size: int = SEGMENT_BYTES) -> Segment:
        """A new, locked segment of zeros. Raises OSError, of ENOSPC where the disk is full."""
        name = f"{time.time_ns():020d}-{os.getpid()}"
        unfinished = folder / (name + _NEW_SUFFIX)
        fd = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _allocate(fd, size)
            os.pwrite(fd, _MAGIC, 0)
            path = folder / (name + SUFFIX)
            unfinished.rename(path)
        except BaseException:
            os.close(fd)
            unfinished.unlink(missing_ok=True)
            raise
        return cls(path, fd, size)

    @classmethod
    def adopt(cls, path: Path) -> Segment | None:
        """The segment at `path` if it is one, and the process that wrote it is gone, else None.

        Its frames are not read here, because a start after an outage adopts many.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.fstat(fd).st_ino == path.stat().st_ino
            mark = _mark_of(fd) if is_there else None
            end = _end_of(fd)
        except OSError:
            mark, end = None, 0
        if mark is None:
            os.close(fd)
            return None
        segment = cls(path, fd, os.fstat(fd).st_size, mark)
        segment.offset = segment.shipped = max(segment.start, end)
        segment.cut()
        return segment

    @property
    def room(self) -> int:
        return self._size - self.offset - self.reserved

    def append(self, kind: Kind, record: bytes) -> int:
        """Write a frame; returns its length in bytes. Raises OSError."""
        data = frame(kind, record)
        os.pwrite(self._fd, data, self.offset)
        self.offset += len(data)
        self.is_dirty = True
        return len(data)

    def sync(self) -> None:
        """Wait until what was written is on the disk; may be called from another thread."""
        self.is_dirty = False
        getattr(os, "fdatasync", os.fsync)(self._fd)

    def frames(self, start: int | None = None) -> Iterator[Frame]:
        """Frames from `start` (default: the first) on, as `read_frames` gives them, one by one: all
        at once they take twice the file.
        """
        begin = self.start if start is None else start
        return self._read(begin, self.offset)

    def portion(self, limit: int) -> list[Frame]:
        """Frames of what was not shipped, `limit` bytes of them, or one that is larger."""
        size = limit
        while True:
            end = min(self.shipped + size, self.offset)
            found = list(self._read(self.shipped, end))
            if end == self.offset:
                return found
            # What is cut at the end looks like damage.
            whole = found[:-1] if found and found[-1].kind is Kind.DAMAGE else found
            if whole:
                return whole
            size *= 4

    def cut(self) -> None:
        """Give back the disk that nothing more will be written to."""
        if self.reserved == 0 and self._size > self.offset:
            os.ftruncate(self._fd, self.offset)
            self._size = self.offset

    def set_aside(self) -> Path:
        """Keep the file for whoever looks into it, under a name that nobody adopts."""
        kept = self.path.with_suffix(DAMAGED_SUFFIX)
        self.path.rename(kept)
        os.close(self._fd)
        return kept

    def remove(self) -> None:
        """Delete the file, and only then give the lock back."""
        self.path.unlink(missing_ok=True)
        os.close(self._fd)

    def leave(self) -> None:
        """Give the lock back and let the file be: another process will adopt it."""
        os.close(self._fd)

    def _read(self, begin: int, end: int) -> Iterator[Frame]:
        return read_frames(os.pread(self._fd, end - begin, begin), begin=begin, mark=self._mark)


def sweep_unfinished(folder: Path) -> None:
    """Delete files that a process was making when it died."""
    for path in folder.glob("*" + _NEW_SUFFIX):
        try:
            is_stale = time.time() - path.stat().st_mtime > _STALE_S
        except FileNotFoundError:
            continue
        if is_stale:
            path.unlink(missing_ok=True)


def _mark_of(fd: int) -> bytes | None:
    """What its frames begin with; None where the file is not ours, or a later release's."""
    magic = os.pread(fd, len(_MAGIC), 0)
    if magic == _MAGIC:
        return MARK
    if magic == _LAST_MAGIC:
        return NO_MARK
    if magic.startswith(_MAGIC[:-1]):
        return None
    # Its first bytes may be what is damaged: a frame that checks out says whose it is.
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    is_ours = any(found.kind is not Kind.DAMAGE for found in read_frames(data))
    return MARK if is_ours or not data.strip(b"\0") else None


def _end_of(fd: int) -> int:
    """Behind the last byte that is not zero, rounded up: a record may end in zeros of its own."""
    end = os.fstat(fd).st_size
    while end > 0:
        begin = max(0, end - len(_ZEROS))
        chunk = os.pread(fd, end - begin, begin)
        if chunk != _ZEROS[: len(chunk)]:
            used = begin + len(chunk.rstrip(b"\0"))
            return min(os.fstat(fd).st_size, (used // _BLOCK + 2) * _BLOCK)
        end = begin
    return 0


def _allocate(fd: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    for offset in range(0, size, len(_ZEROS)):
        os.pwrite(fd, _ZEROS[: size - offset], offset)
