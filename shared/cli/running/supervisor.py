"""Keeps a set of processes running until asked to stop, and then leaves nothing behind.

When a process dies, its whole group is replaced: children left behind would keep its port. If one
keeps dying, everything is stopped, and its last output reported.
"""

from __future__ import annotations

import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shared.cli.running import leftovers
from shared.cli.running.log_lines import LogLines
from shared.cli.running.process_group import ProcessGroup
from shared.cli.running.procfile import ProcessType
from shared.cli.running.stop_request import StopRequest

GRACE_S = 8.0
DEATHS = 5
DEATHS_WITHIN_S = 30.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LAST_LINES = 20
_TICK_S = 0.1


class KeepsDying(Exception):
    """A process died too often; the message names it and quotes its last output."""


class _Kept:
    """A process type and its running group, which is None between a death and the next start."""

    def __init__(self, process_type: ProcessType) -> None:
        self.name = process_type.name
        self.command = process_type.command
        self.group: ProcessGroup | None = None
        self.start_at_s = 0.0
        self.started_at_s = 0.0
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._deaths_s: deque[float] = deque(maxlen=DEATHS)
        self._early_deaths = 0

    def note_death(self, now_s: float) -> float:
        """Count a death, and return the pause before the next start. Raises KeepsDying."""
        self._deaths_s.append(now_s)
        while now_s - self._deaths_s[0] > DEATHS_WITHIN_S:
            self._deaths_s.popleft()
        is_early = now_s - self.started_at_s < DEATHS_WITHIN_S
        self._early_deaths = self._early_deaths + 1 if is_early else 1
        if len(self._deaths_s) == DEATHS:
            output = "\n".join(f"  {line}" for line in self.last_lines) or "  (no output)"
            raise KeepsDying(
                f"{self.name} died {DEATHS} times within {DEATHS_WITHIN_S:.0f} s;"
                f" its last output:\n{output}"
            )
        return min(FIRST_PAUSE_S * 2 ** (self._early_deaths - 1), LONGEST_PAUSE_S)


class Supervisor:
    """Runs `process_types` in `environment`, each started in the folder `starts_in`, and notes in
    `folder` what is running.

    `each_tick` is called about ten times a second until it stops.
    """

    def __init__(
        self,
        process_types: Sequence[ProcessType],
        *,
        environment: Mapping[str, str],
        folder: Path,
        starts_in: Path,
        lines: LogLines,
        stop: StopRequest,
        each_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._kept = [_Kept(process_type) for process_type in process_types]
        self._environment = environment
        self._folder = folder
        self._starts_in = starts_in
        self._lines = lines
        self._stop = stop
        self._each_tick = each_tick
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Run until asked to stop. Raises KeepsDying, OSError; on return, nothing is running."""
        try:
            while not self._stop.requested:
                self._start_due()
                self._relay(_TICK_S)
                self._replace_dead()
                self._each_tick()
        finally:
            self._end_all()
            self._selector.close()
            leftovers.forget(self._folder)

    def _start_due(self) -> None:
        now_s = time.monotonic()
        due = [kept for kept in self._kept if kept.group is None and kept.start_at_s <= now_s]
        for kept in due:
            kept.group = ProcessGroup(kept.command, self._environment, self._starts_in)
            kept.started_at_s = now_s
            self._selector.register(kept.group, selectors.EVENT_READ, kept)
        if due:
            leftovers.remember(self._folder, [kept.group.id for kept in self._kept if kept.group])

    def _relay(self, timeout_s: float) -> None:
        """Pass on what the processes write, waiting at most `timeout_s` seconds for it."""
        if not self._selector.get_map():
            time.sleep(timeout_s)
            return
        for key, _ in self._selector.select(timeout_s):
            kept: _Kept = key.data
            if kept.group is None:
                continue
            try:
                for line in kept.group.read_lines():
                    self._pass_on(kept, line)
            except EOFError:
                self._selector.unregister(kept.group)

    def _pass_on(self, kept: _Kept, line: str) -> None:
        kept.last_lines.append(line)
        self._lines.write(kept.name, line)

    def _replace_dead(self) -> None:
        for kept in self._kept:
            status = kept.group.exit_status() if kept.group else None
            if kept.group is None or status is None:
                continue
            kept.group.kill()
            self._release(kept, kept.group)
            now_s = time.monotonic()
            pause_s = kept.note_death(now_s)
            kept.start_at_s = now_s + pause_s
            self._lines.say(
                f"{kept.name} exited ({_describe(status)}); restarting in {pause_s:g} s"
            )

    def _release(self, kept: _Kept, group: ProcessGroup) -> None:
        if group.fileno() in self._selector.get_map():
            self._selector.unregister(group)
        for line in group.close():
            self._pass_on(kept, line)
        kept.group = None

    def _end_all(self) -> None:
        running = [(kept, kept.group) for kept in self._kept if kept.group]
        deadline_s = time.monotonic() + GRACE_S
        alive = running
        while alive and time.monotonic() < deadline_s and not self._stop.impatient:
            for _, group in alive:
                group.terminate()
            self._relay(_TICK_S / 2)
            alive = [(kept, group) for kept, group in alive if group.is_alive()]
        for kept, _ in alive:
            self._lines.say(f"{kept.name} did not stop in time; killing it")
        for kept, group in running:
            group.kill()
            self._release(kept, group)


def _describe(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"
