"""The Procfile as a platform runs it: what SIGTERM does to open streams, and to their usage."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from shared.embedded import free_port
from tests.fakes.gateway import Deployment
from tests.fakes.operator import make_token, point_openai_at
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome
from tests.faults.exactness import (
    assert_exact,
    assert_sums_are_the_rows,
    rows_when,
)
from tests.faults.procfile import WEB
from tests.faults.stops import NEVER, SOON, STREAMS, streams_over_a_stop

RUN = "honcho start web worker clock"


def config_vars(deployment: Deployment) -> dict[str, str]:
    """The four that there must be, as a platform spells them; PORT is set with the process.

    The folder is not one of them: for root the default is one of the whole machine's.
    """
    wanted = ("REDIS_URL", "BYOK_ENCRYPTION_KEY", "SWITCHYARD_DATA_DIR")
    return {
        **{name: deployment.environment[name] for name in wanted},
        "DATABASE_URL": deployment.database_url.replace("postgresql://", "postgres://"),
    }


def test_four_settings_serve_and_a_stop_lets_streams_end(
    deployment: Deployment, simulated: SimulatedProvider
) -> None:
    """honcho kills what is left 5 s after the first process has ended: the clock, at once."""
    settings = config_vars(deployment)
    with ProcfileProcess("honcho start release", settings) as release:
        assert release.process.wait(60) == 0, release.output()
    with ProcfileProcess(RUN, settings) as app:
        app.wait_until_ready()
        headers = make_token(deployment.database_url)
        point_openai_at(simulated, app.url, headers)
        outcome, _ = asyncio.run(streams_over_a_stop(app, simulated, {SOON: STREAMS}, headers))
        assert "SIGKILL" not in app.output(), app.output()
    assert outcome.failed == {}
    with ProcfileProcess(RUN, settings):
        rows = deployment.rows_when(lambda rows: outcome.whole.keys() <= ids(rows))
    assert_sums_are_the_rows(deployment, rows)
    # And what the operator asked, to see whether it works.
    rows = [row for row in rows if row["ttft_ms"] is not None]
    assert len(rows) == STREAMS
    assert_exact(rows, outcome)


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["request_id"] for row in rows}


def assert_every_stream_is_billed(
    deployment: Deployment, outcome: Outcome, rows: list[dict[str, Any]]
) -> None:
    assert outcome.failed, "the deadline was meant to cut some"
    assert outcome.whole, "the others were meant to come to their end"
    assert len(rows) == STREAMS
    assert_exact(rows, outcome)
    for row in rows:
        assert row["state"] == "final"
        assert row["completion_tokens"]
        assert row["cost_total_usd"] > 0
    assert_sums_are_the_rows(deployment, rows)


def test_streams_cut_at_the_deadline_are_billed_though_the_disk_goes_with_the_process(
    deployment: Deployment, simulated: SimulatedProvider, tmp_path: Path
) -> None:
    """Holds the last ship of a process that ends."""
    settings = {**deployment.environment, "SPOOL_EPHEMERAL": "true", "GRACEFUL_S": "2"}
    half = STREAMS // 2
    with ProcfileProcess(WEB, settings) as web:
        web.wait_until_ready()
        loads = {SOON: half, NEVER: half}
        outcome, took_s = asyncio.run(streams_over_a_stop(web, simulated, loads))
    assert took_s < 10
    shutil.rmtree(tmp_path)
    rows = rows_when(deployment, lambda rows: len(rows) >= STREAMS)
    assert_every_stream_is_billed(deployment, outcome, rows)


@pytest.mark.long
def test_streams_cut_at_the_deadline_with_redis_away_are_billed_at_the_next_start(
    deployment: Deployment, simulated: SimulatedProvider
) -> None:
    """Holds the spool that is left on the disk, and its adoption."""
    settings = {**deployment.environment, "GRACEFUL_S": "2"}
    away = {**settings, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    half = STREAMS // 2
    with ProcfileProcess(WEB, away) as web:
        web.wait_until_ready()
        loads = {SOON: half, NEVER: half}
        outcome, took_s = asyncio.run(streams_over_a_stop(web, simulated, loads))
    assert took_s < 10
    assert deployment.rows() == []
    with ProcfileProcess(WEB, settings):
        rows = rows_when(deployment, lambda rows: len(rows) >= STREAMS)
    assert_every_stream_is_billed(deployment, outcome, rows)
