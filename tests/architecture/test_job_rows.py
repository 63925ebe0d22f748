"""A job is one row of shared/jobs.py: what names it elsewhere says what the row says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from shared import keyspace
from shared.folders import bill_of_materials, function_names
from shared.jobs import (
    CHECK_HEALTH,
    JOBS,
    SYNC_CATALOG,
    Daily,
    Every,
    Job,
    health_checks_every,
    jobs_as_set,
)
from shared.settings import CatalogSettings, HealthSettings, load_settings
from tests.architecture.tree import ROOT

# What processes of commit 6638afb call and listen to: one of them may run beside this release.
OF_THE_LAST_RELEASE = {
    "billing.deliver": "billing",
    "catalogue.sync": "catalogue",
    "health.check": "health",
    "usage.partitions": "usage",
    "usage.write": "usage",
}
KEYS_OF_THE_LAST_RELEASE = {
    "switchyard:usage": keyspace.USAGE_STREAM,
    "switchyard:usage:nudge": keyspace.nudge_flag("usage"),
    "switchyard:billing:nudge": keyspace.nudge_flag("billing"),
    "switchyard:health:circuits": keyspace.HEALTH_CIRCUITS,
    "switchyard:health:limits": keyspace.HEALTH_LIMITS,
    "switchyard:health:outcomes:": keyspace.HEALTH_OUTCOMES,
    "switchyard:worker:attempts:": keyspace.JOB_ATTEMPTS,
    "switchyard:dramatiq": keyspace.JOB_QUEUES,
}
QUEUED = [job for job in JOBS if job.queue is not None]


def table(document: str, first: str) -> list[list[str]]:
    """The cells of the rows below the head that begins with that cell."""
    lines = (ROOT / document).read_text("utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first} |"))
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in lines[start + 2 :]]
    end = next((at for at, row in enumerate(cells) if row == [""]), len(cells))
    return cells[:end]


def owner(job: Job) -> str:
    [function] = [one for one in function_names() if job in bill_of_materials(one).jobs]
    return function


def test_the_last_releases_jobs_and_keys_have_kept_their_names() -> None:
    assert {job.name: job.queue for job in QUEUED} == OF_THE_LAST_RELEASE
    assert all(ours == theirs for theirs, ours in KEYS_OF_THE_LAST_RELEASE.items())


@pytest.mark.parametrize("job", QUEUED, ids=lambda job: job.name)
def test_the_folder_of_a_job_has_the_files_that_every_such_folder_has(job: Job) -> None:
    folder = ROOT / "functions" / owner(job)
    wanted = {"job.py", "actor.py", "function.py", "README.md"}
    assert wanted <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("job", QUEUED, ids=lambda job: job.name)
def test_the_readme_of_a_job_names_its_actor_and_queue(job: Job) -> None:
    rows = table(f"functions/{owner(job)}/README.md", "Actor")
    assert [f"`{job.name}`", f"`{job.queue}`"] in [row[:2] for row in rows]


def test_the_clocks_readme_says_when_each_job_runs() -> None:
    rows = table("functions/clock/README.md", "Job")
    assert [row[0] for row in rows] == [f"`{job.name}`" for job in JOBS]
    for job, (_, when, tick) in zip(JOBS, rows, strict=True):
        assert said(job) in when, f"{job.name}: {when}"
        assert ("at start" in when) == job.at_start
        assert tick == ("a UTC day" if isinstance(job.runs, Daily) else f"{job.runs.slot_s} s")


def said(job: Job) -> str:
    if isinstance(job.runs, Daily):
        return f"at minute {job.runs.minute} until it has run that day"
    if job is CHECK_HEALTH:
        return f"every `LLM_HEALTH_CHECK_INTERVAL` ({job.runs.slot_s} s)"
    return f"every {job.runs.slot_s} s"


def test_the_rows_as_set_have_the_interval_and_leave_out_what_is_not_asked_for() -> None:
    groups = (HealthSettings, CatalogSettings)
    assert jobs_as_set(load_settings(*groups)) == [job for job in JOBS if job is not SYNC_CATALOG]
    wanted = jobs_as_set(load_settings(*groups, LLM_HEALTH_CHECK_INTERVAL="7", CATALOG_SYNC="true"))
    assert [job.name for job in wanted] == [job.name for job in JOBS]
    assert health_checks_every(7) in wanted


@pytest.mark.parametrize(
    ("job", "options"),
    [
        (CHECK_HEALTH, {"max_retries": 0, "max_age": 300_000, "time_limit": 130_000}),
        (health_checks_every(5), {"max_retries": 0, "max_age": 5_000, "time_limit": 130_000}),
        (SYNC_CATALOG, {"max_retries": 0, "max_age": timedelta(days=1) // timedelta(0, 0, 1000)}),
        (Job(name="a.job", queue="a", runs=Every(1)), {"max_retries": 0}),
    ],
    ids=str,
)
def test_what_a_row_does_not_say_is_left_to_dramatiq(job: Job, options: dict[str, int]) -> None:
    assert job.options == {"actor_name": job.name, "queue_name": job.queue, **options}
