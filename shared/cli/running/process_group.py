"""A running command, with all that it starts, as one thing: it writes, it ends, it is ended.

A session of its own keeps Ctrl-C in the terminal from reaching it before the supervisor does.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

import psutil

_READ_BYTES = 65536
_LONGEST_LINE_BYTES = 1 << 20
_COMPOUND = re.compile(r"[;&|()\n]|^\s*\w+=")


class ProcessGroup:
    """The leader is the command itself, or /bin/sh where the command is compound."""

    def __init__(self, command: str, environment: Mapping[str, str]) -> None:
        """Start it. Raises OSError."""
        self._leader = subprocess.Popen(  # noqa: S603  the Procfile is the operator's own
            ["/bin/sh", "-c", _for_shell(command)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._leader.stdout is not None  # noqa: S101  asked for above
        self._pipe = self._leader.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._unfinished = b""
        self._was_asked_to_end = False
        self._were_orphans_asked = False

    @property
    def id(self) -> int:
        """The id of the leader, of the process group and of the session."""
        return self._leader.pid

    def fileno(self) -> int:
        """Where its output is read; for a selector."""
        return self._pipe.fileno()

    def exit_status(self) -> int | None:
        """The leader's status, negative for a signal; None while it runs."""
        return self._leader.poll()

    def read_lines(self) -> list[str]:
        """Lines that became whole since the last call; EOFError once nobody can write any more.

        At most one block, so that a process that never stops writing does not hold up the others.
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
        """Stop reading; gives the lines written last. A second time it gives none."""
        lines: list[str] = []
        if self._pipe.closed:
            return lines
        with suppress(EOFError):
            # One block is all that a pipe holds.
            lines = self.read_lines()
        self._pipe.close()
        if self._unfinished:
            lines.append(_text(self._unfinished))
        return lines

    def ask_to_end(self) -> None:
        """SIGTERM to the leader, then once to whatever outlives it; call until `is_alive` is false.

        Not to all at once: Dramatiq hands the signal on to its workers, and a worker that gets it
        twice drops the job it is at.
        """
        if not self._was_asked_to_end:
            self._was_asked_to_end = True
            if self.exit_status() is None:
                self._leader.terminate()
                return
        elif self.exit_status() is None or self._were_orphans_asked:
            return
        self._were_orphans_asked = True
        self._signal_all(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to everything in it, and collect the leader."""
        self._signal_all(signal.SIGKILL)
        self._leader.wait()

    def is_alive(self) -> bool:
        """Whether any process of it still runs."""
        if self.exit_status() is None:
            return True
        try:
            os.killpg(self.id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            # macOS says so of a group that has only zombies left.
            return False
        # In a container whose first process collects nobody, dead orphans stay in the table.
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
    """`command`, without a shell left waiting for it where one can do without.

    Not every /bin/sh replaces itself by the last command (dash does not), and a shell does not
    hand on the SIGTERM that is for the program.
    """
    return command if _COMPOUND.search(command) else f"exec {command}"


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")
