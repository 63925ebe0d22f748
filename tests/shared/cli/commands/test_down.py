from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.cli.main import switchyard
from shared.cli.running.leftovers import remember
from shared.cli.running.run_file import Run, write_run_file

WAITS = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(0)); signal.pause()"


def down() -> str:
    done = CliRunner().invoke(switchyard, ["down"])
    assert done.exit_code == 0, done.output
    return done.stderr


def test_nothing_is_running_in_a_new_folder(data_dir: Path) -> None:
    assert data_dir.is_dir()
    assert down() == "Nothing is running.\n"


def test_the_running_up_is_asked_to_end_as_by_ctrl_c(data_dir: Path) -> None:
    up = subprocess.Popen([sys.executable, "-c", WAITS])
    reaper = threading.Thread(target=up.wait)
    reaper.start()
    write_run_file(data_dir, Run(up.pid, "", "", "", str(data_dir), None))
    assert down() == "The gateway has ended.\n"
    reaper.join(5)
    assert up.returncode is not None


def test_what_a_killed_up_left_is_ended(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHYARD_DATA_DIR", str(data_dir))
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    remember(data_dir, [left.pid])
    assert down() == "Ended what a killed `switchyard up` left (processes: 1).\n"
    assert left.wait(5) is not None
