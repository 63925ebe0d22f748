"""wrk as a function: load on one target for a while, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from tests.benchmarks.servers import HERE, OTHER_CORE, Process, program


@dataclass(frozen=True)
class Round:
    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    failed: int
    requests: int


def load(url: str, body: str, *, connections: int, seconds: int, server: Process) -> Round:
    """`cpu_us` is what `server` used a request."""
    wrk = program("wrk")
    before = server.cpu_s()
    done = subprocess.run(
        ["taskset", "-c", str(OTHER_CORE), wrk, "-t1", f"-c{connections}", f"-d{seconds}s",
         "--timeout", "10s", "-s", str(HERE / "post.lua"), url],
        env={**os.environ, "SWITCHYARD_BENCH_BODY": body},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    used = server.cpu_s() - before
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    said = json.loads(line.removeprefix("RESULT "))
    requests = max(1, said["requests"])
    return Round(
        per_s=said["requests"] / (said["us"] / 1e6),
        cpu_us=used / requests * 1e6,
        p50_ms=said["p50_us"] / 1000,
        p99_ms=said["p99_us"] / 1000,
        failed=said["failed"],
        requests=said["requests"],
    )
