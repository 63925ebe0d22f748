from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.cli.running import supervisor as supervising
from shared.cli.running.log_lines import LogLines
from shared.cli.running.procfile import ProcessType
from shared.cli.running.stop_request import StopRequest
from shared.cli.running.supervisor import KeepsDying, Supervisor
from tests.shared.cli.waiting import is_running, wait_for

FAMILY = 'sleep 1000 & echo "child $!"; echo "leader $$"; wait'


class Supervised:
    """A supervisor in a thread, and what it wrote."""

    def __init__(self, folder: Path, **commands: str) -> None:
        self.stop = StopRequest()
        self.log = io.StringIO()
        self.folder = folder
        self.supervisor = Supervisor(
            [ProcessType(name, command) for name, command in commands.items()],
            environment={**os.environ, "GREETING": "hello"},
            folder=folder,
            starts_in=folder,
            lines=LogLines(list(commands), self.log, color=False),
            stop=self.stop,
        )
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Supervised:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.request()
        self.join()

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.supervisor.run()
        except KeepsDying as error:
            self.failure = error

    def pids(self, what: str) -> list[int]:
        return [int(pid) for pid in re.findall(rf"{what} (\d+)\n", self.log.getvalue())]


def test_a_process_that_dies_is_replaced_with_its_whole_group(tmp_path: Path) -> None:
    with Supervised(tmp_path, web=FAMILY) as supervised:
        wait_for(lambda: supervised.pids("leader"))
        os.kill(supervised.pids("leader")[0], signal.SIGKILL)
        wait_for(lambda: len(supervised.pids("leader")) == 2)
        first, second = supervised.pids("child")
        wait_for(lambda: not is_running(first))
        assert is_running(second)
        assert "web exited (SIGKILL); restarting in 0.2 s" in supervised.log.getvalue()
    assert not is_running(second)


def test_one_that_keeps_dying_ends_everything_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE_S", 0.01)
    broken = "for n in $(seq 30); do echo line $n; done; echo its last words >&2; exit 3"
    with Supervised(tmp_path, web=FAMILY, worker=broken) as supervised:
        supervised.join()
        words = str(supervised.failure)
        assert words.startswith("worker died 5 times within 30 s")
        assert words.endswith("its last words")
        assert "line 30" in words
        assert "line 11\n" not in words
        assert not any(map(is_running, supervised.pids("leader") + supervised.pids("child")))


def test_lines_come_prefixed_and_whole(tmp_path: Path) -> None:
    talk = "printf 'one\\ntw'; sleep 0.3; printf 'o %s\\n' $GREETING; printf unended; sleep 1000"
    with Supervised(tmp_path, web=talk, c="sleep 1000") as supervised:
        wait_for(lambda: "hello" in supervised.log.getvalue())
    log = supervised.log.getvalue().splitlines()
    assert log == ["web        | one", "web        | two hello", "web        | unended"]


def test_the_leader_is_asked_to_end_and_its_children_are_left_to_it(tmp_path: Path) -> None:
    child = "trap 'echo child asked; sleep 0.5; exit' TERM; echo up; while :; do sleep 0.05; done"
    leader = f"({child}) & trap 'kill $!; wait $!; exit' TERM; echo up; wait"
    with Supervised(tmp_path, worker=leader) as supervised:
        wait_for(lambda: supervised.log.getvalue().count("up") == 2)
    assert supervised.log.getvalue().count("child asked") == 1


def test_children_whose_leader_ends_without_them_are_asked_too(tmp_path: Path) -> None:
    child = "trap 'echo child asked; exit' TERM; echo ready; while :; do sleep 0.05; done"
    with Supervised(tmp_path, web=f"({child}) & wait") as supervised:
        wait_for(lambda: "ready" in supervised.log.getvalue())
    assert supervised.log.getvalue().count("child asked") == 1


PROGRAM = """
import os, sys
from pathlib import Path
from shared.cli.running import supervisor
from shared.cli.running.log_lines import LogLines
from shared.cli.running.procfile import ProcessType
from shared.cli.running.stop_request import StopRequest

supervisor.GRACE_S = 1.0
stop = StopRequest()
stop.listen()
commands = dict(polite=sys.argv[2], stubborn="trap '' TERM; " + sys.argv[2])
supervisor.Supervisor(
    [ProcessType(name, command) for name, command in commands.items()],
    environment=os.environ,
    folder=Path(sys.argv[1]),
    starts_in=Path(sys.argv[1]),
    lines=LogLines(list(commands), sys.stdout, color=False),
    stop=stop,
).run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), FAMILY], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        said = [program.stdout.readline() for _ in range(4)]
        assert (tmp_path / "up.pids").exists()
        program.send_signal(number)
        rest, _ = program.communicate(timeout=20)
    pids = [int(pid) for line in said for pid in re.findall(r"(?:leader|child) (\d+)", line)]
    assert len(pids) == 4
    assert program.returncode == 0
    assert "stubborn did not stop in time; killing it" in rest
    assert not any(map(is_running, pids))
    assert list(tmp_path.iterdir()) == []
