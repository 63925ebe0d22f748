from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from shared.cli.running.run_file import Run, read_run_file, remove_run_file, write_run_file

RUN = Run(
    pid=os.getpid(),
    url="http://127.0.0.1:8084",
    database_url="postgresql://u:secret@127.0.0.1:5432/switchyard",
    redis_url="redis://127.0.0.1:6379/0",
    data_dir="/data",
    psql=None,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_run_file(tmp_path, RUN)
    write_run_file(tmp_path, RUN)
    assert read_run_file(tmp_path) == RUN
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    write_run_file(tmp_path, RUN)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600


def test_a_run_whose_up_is_dead_is_none(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_run_file(tmp_path, msgspec.structs.replace(RUN, pid=ended.pid))
    assert read_run_file(tmp_path) is None


def test_a_process_that_got_the_number_later_is_not_the_one_that_wrote_it(tmp_path: Path) -> None:
    write_run_file(tmp_path, RUN)
    os.utime(tmp_path / "run.json", (1_000_000_000, 1_000_000_000))
    assert read_run_file(tmp_path) is None


def test_a_damaged_or_missing_file_is_none(tmp_path: Path) -> None:
    assert read_run_file(tmp_path) is None
    (tmp_path / "run.json").write_text('{"pid": 1')
    assert read_run_file(tmp_path) is None


def test_removing_it_twice_is_no_error(tmp_path: Path) -> None:
    write_run_file(tmp_path, RUN)
    remove_run_file(tmp_path)
    remove_run_file(tmp_path)
    assert read_run_file(tmp_path) is None
