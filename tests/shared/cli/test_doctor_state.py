from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from shared.cli.doctor_checks import State
from shared.cli.doctor_state import check_leftovers, check_stored_keys
from shared.cli.running.leftovers import remember
from shared.cli.running.run_file import Run


def test_what_a_killed_up_left_is_said(data_dir: Path) -> None:
    left = subprocess.Popen(
        ["sleep", "60"],
        start_new_session=True,
        env={**os.environ, "SWITCHYARD_DATA_DIR": str(data_dir)},
    )
    try:
        remember(data_dir, [left.pid])
        (found,) = check_leftovers(None, data_dir)
        assert found.state is State.WRONG
        assert "switchyard down" in found.fix
        # While it runs they are its own.
        assert check_leftovers(Run(1, "", "", "", "", None), data_dir) == []
    finally:
        left.kill()
        left.wait()


@pytest.mark.usefixtures("data_dir")
def test_where_no_database_can_be_asked_another_check_says_so(data_dir: Path) -> None:
    assert check_stored_keys(data_dir) == []
    assert check_leftovers(None, data_dir) == []
