"""A gateway that could open no stored key does not start, and says which command helps."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fakes.gateway import Deployment


@pytest.mark.parametrize("key", ["", "swordfish"], ids=["none", "a wrong one"])
def test_the_start_stops_in_the_guides_words_with_the_command_that_helps(
    key: str, deployment: Deployment
) -> None:
    command = [sys.executable, "-m", "uvicorn", "functions.gateway.app:app", "--port", "0"]
    started = subprocess.run(
        command,
        env={**os.environ, **deployment.environment, "BYOK_ENCRYPTION_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode != 0
    told = started.stdout + started.stderr
    assert "ValueError: Invalid encryption key" in told
    assert "`switchyard key generate` makes one" in told
    assert "swordfish" not in told
