"""A running command and everything it starts, read from and ended as one.

It has its own session, so that Ctrl-C in the terminal reaches it only through the supervisor.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

_READ_BYTES = 65536
_LONGEST_LINE_BYTES = 1 << 20
_COMPOUND = re.compile(r"[;&|()\n]|^\s*\w+=")


class ProcessGroup:
    """The leader is the command itself, or /bin/sh if the command is compound."""

    def __init__(self, command: str, environment: Mapping[str, str], folder: Path) -> None:
        """Start it in `folder`. Raises OSError."""
        self._leader = subprocess.Popen(  # noqa: S603  the Procfile is the operator's own
            ["/bin/sh", "-c", _for_shell(command)],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._leader.stdout is not None  # noqa: S101  asked for above
        self._pipe = self._leader.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._unfinished = b""
        self._was_terminated = False
        self._were_orphans_terminated = False

    @property
    def id(self) -> int:
        """The id of the leader, which is also that of the process group and the session."""
        return self._leader.pid

    def fileno(self) -> int:
        """The pipe that its output is read from, for a selector."""
        return self._pipe.fileno()

    def exit_status(self) -> int | None:
        """The leader's status, negative for a signal; None while it runs."""
        return self._leader.poll()

    def read_lines(self) -> list[str]:
        """Lines completed since the last call; raises EOFError once nothing can write any more.

        Reads at most one block, so that a process that writes without end cannot starve the others.
        """
        try:
            block = os.read(self._pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return []
        if not block:
            raise EOFError
        *lines, self._unfinished = (self._unfinished + block).split(b"\n")
        if len(self._unfinished) > _LONGEST_LINE_BYTES:
            lines.append(self._unfinished)
            self._unfinished = b""
        return [_text(line) for line in lines]

    def close(self) -> list[str]:
        """Stop reading, and return the last lines written; none if already closed."""
        lines: list[str] = []
        if self._pipe.closed:
            return lines
        with suppress(EOFError):
            # A pipe holds no more than one block.
            lines = self.read_lines()
        self._pipe.close()
        if self._unfinished:
            lines.append(_text(self._unfinished))
        return lines

    def terminate(self) -> None:
        """Send SIGTERM to the leader, then once to whatever outlives it; call until not `is_alive`.

        Not to all of them at once: Dramatiq passes the signal on to its workers, and a worker that
        gets it twice drops its current job.
        """
        if not self._was_terminated:
            self._was_terminated = True
            if self.exit_status() is None:
                self._leader.terminate()
                return
        elif self.exit_status() is None or self._were_orphans_terminated:
            return
        self._were_orphans_terminated = True
        self._signal_all(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the whole group, and reap the leader."""
        self._signal_all(signal.SIGKILL)
        self._leader.wait()

    def is_alive(self) -> bool:
        """Whether any of its processes is still running."""
        if self.exit_status() is None:
            return True
        try:
            os.killpg(self.id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            # macOS reports this for a group of which only zombies are left.
            return False
        # In a container whose first process reaps nothing, dead orphans stay in the process table.
        return any(_is_running(pid, self.id) for pid in psutil.pids())

    def _signal_all(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.id, number)
        except (ProcessLookupError, PermissionError):
            return


def _is_running(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _for_shell(command: str) -> str:
    """`command`, with `exec` where possible, so that no shell is left waiting for it.

    Not every /bin/sh replaces itself with the last command (dash does not), and a shell does not
    forward the SIGTERM that is meant for the program.
    """
    return command if _COMPOUND.search(command) else f"exec {command}"


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")
