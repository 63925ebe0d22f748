"""`make bench`: this gateway, nginx as the limit, and plain httpx in our transport's place.

Side by side in one run, in turn, so that what else the machine does hits all alike. The target
under load has core 0 to itself; the load, the provider, Valkey and PostgreSQL have core 1. Usage is
spooled and shipped to the stream while the clock runs; the writer starts when it has stopped, and
its count is compared with wrk's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from functions.write_usage.drain import drain
from shared.embedded import free_port, start_postgres, start_valkey
from shared.migrate.steps import migrate
from shared.vault.keyring import generate_key
from tests.benchmarks.load import Round, load
from tests.benchmarks.servers import (
    OTHER_CORE,
    Process,
    gateway,
    program,
    reverse_proxy,
    upstream,
    wait_for,
)

PATH = "/api/v1/llm/chat/completions"
PROMPT = "Tell me what a gateway for language models is good for, in plain words. " * 5


@dataclass(frozen=True)
class Target:
    name: str
    url: str
    server: Process


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="a round's length")
    parser.add_argument("--json", type=Path, help="also write every round to this file")
    options = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("the benchmarks need two cores")
    for name in ("nginx", "wrk"):
        program(name)
    os.sched_setaffinity(0, {OTHER_CORE})
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = start_postgres(folder / "postgres", durable=False)
        valkey = start_valkey(folder / "valkey", persist=False)
        try:
            migrate(postgres.dsn, lambda line: None)
            Bench(folder, postgres.dsn, valkey.url, options).run()
        finally:
            valkey.stop()
            postgres.stop(mode="immediate")


class Bench:
    def __init__(self, folder: Path, dsn: str, redis_url: str, options: argparse.Namespace) -> None:
        self._folder = folder
        self._dsn = dsn
        self._redis_url = redis_url
        self._rounds: int = options.rounds
        self._seconds: int = options.seconds
        self._json: Path | None = options.json
        self._started: list[Process] = []
        self._completions = 0
        self._results: list[dict[str, Any]] = []

    def run(self) -> None:
        upstream_port = free_port()
        self._start(upstream(upstream_port, self._folder), upstream_port)
        try:
            self._measure("json", "JSON, an answer of 1.1 KB", upstream_port, stream=False)
            self._measure("stream", "SSE, 53 events, 15 KB, a burst", upstream_port, stream=True)
        finally:
            for process in self._started:
                process.stop()
        if self._json is not None:
            self._json.write_text(json.dumps(self._results, indent=1))
        self._check_ledger()
        if failed := sorted({one["target"] for one in self._results if one["failed"]}):
            raise SystemExit(f"requests failed: {', '.join(failed)}")

    def _measure(self, kind: str, title: str, upstream_port: int, *, stream: bool) -> None:
        targets = self._targets(kind, upstream_port)
        body = json.dumps({"messages": [{"role": "user", "content": PROMPT}], "stream": stream})
        print(f"\n{title}; request {len(body)} B; {self._rounds} rounds of {self._seconds} s")
        print(f"{'':28}{'conns':>6}{'req/s best':>12}{'median':>9}{'CPU us':>8}", end="")
        print(f"{'p50 ms':>8}{'p99 ms':>8}{'of nginx':>10}")
        for connections in (1, 8, 64):
            rounds: dict[str, list[Round]] = {target.name: [] for target in targets}
            for number in range(self._rounds + 1):
                for target in targets:
                    done = load(
                        target.url, body, connections=connections,
                        seconds=self._seconds, server=target.server,
                    )  # fmt: skip
                    if target.name != "nginx":
                        self._completions += done.requests
                    if number:  # the first one warms up
                        rounds[target.name].append(done)
            self._print(kind, connections, rounds)
        for target in targets:
            if target.name != "nginx":
                print(f"{target.name:28}{target.server.rss_mb():.0f} MB resident")

    def _targets(self, kind: str, upstream_port: int) -> list[Target]:
        environment = {
            "DATABASE_URL": self._dsn,
            "SWITCHYARD_TRYOUT_TOKENS": "true",
            "SWITCHYARD_SIMULATED_PROVIDER_URL": f"http://127.0.0.1:{upstream_port}/{kind}",
            "LOG_FORMAT": "json",
            "BYOK_ENCRYPTION_KEY": generate_key(),
        }
        targets: list[Target] = []
        port = free_port()
        proxy = self._start(reverse_proxy(port, upstream_port, self._folder), port)
        targets.append(Target("nginx", f"http://127.0.0.1:{port}/{kind}/openai/v1", proxy))
        apps = {
            "switchyard": "functions.gateway.app:app",
            "switchyard over plain httpx": "tests.benchmarks.httpx_gateway:app",
        }
        for number, (name, app) in enumerate(apps.items()):
            port = free_port()
            # Apart: circuits that one opens must not be followed by the other.
            own = {
                "REDIS_URL": self._redis(number),
                "SWITCHYARD_DATA_DIR": str(self._folder / f"data{number}"),
            }
            server = self._start(gateway(app, port, self._folder, environment | own), port)
            targets.append(Target(name, f"http://127.0.0.1:{port}{PATH}", server))
        return targets

    def _redis(self, number: int) -> str:
        return f"{self._redis_url.removesuffix('/0')}/{number}"

    def _start(self, process: Process, port: int) -> Process:
        self._started.append(process)
        wait_for(port)
        return process

    def _print(self, kind: str, connections: int, rounds: dict[str, list[Round]]) -> None:
        limit = statistics.median(one.per_s for one in rounds["nginx"])
        for name, some in rounds.items():
            per_s = [one.per_s for one in some]
            median = statistics.median(per_s)
            failed = sum(one.failed for one in some)
            print(
                f"{name:28}{connections:>6}{max(per_s):>12,.0f}{median:>9,.0f}"
                f"{statistics.median(one.cpu_us for one in some):>8.0f}"
                f"{statistics.median(one.p50_ms for one in some):>8.2f}"
                f"{statistics.median(one.p99_ms for one in some):>8.1f}"
                f"{median / limit:>9.1%}" + (f"  {failed} FAILED" if failed else ""),
                flush=True,
            )
            self._results += [
                {"kind": kind, "target": name, "connections": connections, **asdict(one)}
                for one in some
            ]

    def _check_ledger(self) -> None:
        """Write what waits in the stream, and compare the rows with what wrk was answered."""
        began = time.perf_counter()
        connections: list[psycopg.Connection[Any]] = []

        def connect() -> psycopg.Connection[Any]:
            connections.append(psycopg.connect(self._dsn, autocommit=True))
            return connections[-1]

        rows = 0
        for number in range(2):
            with redis.Redis.from_url(self._redis(number)) as client:
                rows += drain(client, connect, "benchmark", longest_s=600)
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
        print(f"\n{self._completions:,} completions were answered; {rows:,} rows were written")
        print(
            f"(those that wrk cut at the end of a round included), {rows / seconds:,.0f} a second"
        )


if __name__ == "__main__":
    main()
