"""Each actor is a job of its function, so that a platform without Dramatiq can run it too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT
from tests.infra.deployed import deployed, single

_PROGRAM = """
import dramatiq, functions.worker.main
print(*sorted(dramatiq.get_broker().get_declared_actors()))
"""


def worker(function: str) -> subprocess.CompletedProcess[str]:
    """The names of the actors of a worker of this function alone."""
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=ROOT,
        env={"REDIS_URL": "redis://127.0.0.1:1/0", "SWITCHYARD_FUNCTION": function},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", single())
def test_the_jobs_of_a_function_are_its_actors(name: str) -> None:
    jobs = sorted(job.name for job in deployed()[name].jobs)
    if not (ROOT / "functions" / name / "actor.py").is_file():
        assert jobs == [], f"functions/{name} has jobs, and no actor.py"
        return
    done = worker(name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == jobs, f"name each actor in `jobs` of functions/{name}/function.py"


def test_a_worker_of_a_function_without_actors_does_not_start() -> None:
    done = worker("models")
    assert done.returncode == 1
    assert "there is no functions/models/actor.py" in done.stderr
