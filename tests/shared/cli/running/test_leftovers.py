from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.cli.running import leftovers


@pytest.fixture
def family() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def _start(family: list[subprocess.Popen[bytes]], data_dir: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["sleep", "1000"],
        env={**os.environ, "SWITCHYARD_DATA_DIR": str(data_dir)},
        start_new_session=True,
    )
    family.append(process)
    return process


def test_what_a_killed_up_left_is_ended(
    tmp_path: Path, family: list[subprocess.Popen[bytes]]
) -> None:
    processes = [_start(family, tmp_path), _start(family, tmp_path)]
    leftovers.remember(tmp_path, [process.pid for process in processes])
    assert leftovers.end_leftovers(tmp_path) == 2
    assert all(process.wait(5) is not None for process in processes)
    assert leftovers.end_leftovers(tmp_path) == 0


def test_a_stranger_that_has_the_number_now_is_left_alone(
    tmp_path: Path, family: list[subprocess.Popen[bytes]]
) -> None:
    stranger = _start(family, tmp_path / "other")
    leftovers.remember(tmp_path, [stranger.pid])
    assert leftovers.end_leftovers(tmp_path) == 0
    assert stranger.poll() is None


def test_a_process_of_this_folder_that_up_did_not_start_is_left_alone(
    tmp_path: Path, family: list[subprocess.Popen[bytes]]
) -> None:
    own = _start(family, tmp_path)
    leftovers.remember(tmp_path, [])
    assert leftovers.end_leftovers(tmp_path) == 0
    assert own.poll() is None


def test_a_damaged_note_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "up.pids").write_text("12 monkeys")
    assert leftovers.end_leftovers(tmp_path) == 0
