"""The image's recipe is clean, and its command is a line of infra/Procfile, by run.sh.

test_container_run.py runs its steps: the install, the user, the read-only files.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.fakes.uvicorn_server import UvicornServer
from tests.infra.deployed import INFRA, web_alone

DOCKERFILE = (INFRA / "Dockerfile").read_text("utf-8")


def test_the_recipe_passes_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    command = [str(hadolint), "--failure-threshold", "style", str(INFRA / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_whatever_the_recipe_copies_exists_and_is_sent_to_the_engine() -> None:
    sent = (INFRA / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert len(names) >= 8
    for name in names:
        assert list(ROOT.glob(name.replace("${FUNCTION}", "*"))), name
        assert any(name.startswith(one.removeprefix("!")) for one in sent if one[0] == "!"), name


def test_the_process_is_nobody_and_writes_to_the_data_folder_alone() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert re.search(r"^VOLUME /data$", last, re.MULTILINE)
    assert "SWITCHYARD_DATA_DIR=/data" in last
    assert last.index("USER 10001") < last.index("CMD")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(INFRA / "run.sh"), *arguments],
        cwd="/",
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_run_takes_the_line_that_is_asked_for_and_says_when_there_is_none() -> None:
    done = run("clock", PYTHONPATH=str(ROOT))
    assert "clock: DATABASE_URL is not set" in done.stderr
    gone = run(FUNCTION="gone")
    assert (gone.returncode, gone.stderr) == (2, "run.sh: infra/Procfile has no line gone\n")


@pytest.mark.parametrize("name", ["models", "clock"])
def test_the_health_check_fails_for_a_web_process_that_does_not_answer(name: str) -> None:
    command = [sys.executable, str(INFRA / "healthcheck.py")]
    # Port 9 is "discard": nobody listens.
    done = subprocess.run(
        command, env={"FUNCTION": name, "PORT": "9"}, capture_output=True, check=False
    )
    assert (done.returncode != 0) == (name in web_alone())


def test_the_health_check_passes_for_one_that_answers(migrated_database_url: str) -> None:
    environment = {"DATABASE_URL": migrated_database_url}
    with UvicornServer("functions.models.app:app", ready="/readyz", environment=environment) as web:
        done = subprocess.run(
            [sys.executable, str(INFRA / "healthcheck.py")],
            env={**os.environ, "FUNCTION": "models", "PORT": str(web.port)},
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
