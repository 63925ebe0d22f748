from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from shared.cli.failures import CommandFailed
from shared.cli.running.data_folder import (
    KEY_FILE,
    ensure_key_file,
    fresh_metrics_folder,
    locked,
    read_key_file,
)
from shared.cli.running.run_file import Run, write_run_file


def test_a_second_up_on_the_same_folder_is_told_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with locked(folder):
        run = Run(os.getpid(), "http://127.0.0.1:8084", "", "", str(folder), None)
        write_run_file(folder, run)
        told = f"already running on .*, pid {os.getpid()}, http://127.0.0.1:8084"
        with pytest.raises(CommandFailed, match=told), locked(folder):
            pass


def test_the_folder_is_free_again_when_the_first_has_ended(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    with locked(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def test_a_place_that_cannot_be_a_folder_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed, match="set SWITCHYARD_DATA_DIR"), locked(tmp_path / "file"):
        pass


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = ensure_key_file(tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert ensure_key_file(tmp_path) == made == read_key_file(tmp_path)


def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("half a key")
    with pytest.raises(CommandFailed, match=re.escape(str(tmp_path / KEY_FILE))):
        ensure_key_file(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == "half a key"


def test_the_metrics_of_an_earlier_run_are_gone(tmp_path: Path) -> None:
    (fresh_metrics_folder(tmp_path) / "counter_1.db").touch()
    assert [*fresh_metrics_folder(tmp_path).iterdir()] == []
