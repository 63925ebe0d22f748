"""Several processes report as one, and those that died do not count among the living."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from shared.metrics import render_metrics

_PROCESS = """
from shared.metrics import FALLBACKS, SPOOL_BYTES
FALLBACKS.labels("a").inc(2)
SPOOL_BYTES.set(5)
print("written", flush=True)
input()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def lines(folder: Path) -> set[str]:
    return {*render_metrics(folder)[0].decode().splitlines()}


def test_counters_of_the_dead_stay_and_their_gauges_go(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    try:
        assert {'switchyard_fallbacks_total{to="a"} 4.0', "switchyard_spool_bytes 10.0"} <= lines(
            tmp_path
        )
        first.kill()
        first.communicate()
        assert {'switchyard_fallbacks_total{to="a"} 4.0', "switchyard_spool_bytes 5.0"} <= lines(
            tmp_path
        )
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
