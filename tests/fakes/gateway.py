"""The gateway (or one function of it) and the worker as real processes over real services."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg.rows import dict_row

from shared.settings import PROVIDER_PREFIXES
from shared.vault.keyring import generate_key
from shared.wire.providers import SEEDS
from tests.fakes.uvicorn_server import UvicornServer

USER = {"authorization": "Bearer test-user-token"}
ADMIN = {"authorization": "Bearer admin-token"}
PATH = "/api/v1/llm/chat/completions"


class Deployment:
    """What the processes share: settings as environment variables, and the ledger they fill."""

    def __init__(
        self,
        *,
        database_url: str,
        redis_url: str,
        data_dir: Path,
        simulated_url: str | None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`simulated_url` None: nothing is simulated; `more` then says where providers are.

        A provider of which a key is stored, which ends the simulation, is at `simulated_url` too.
        """
        self.database_url = database_url
        self.environment: Mapping[str, str] = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SWITCHYARD_DATA_DIR": str(data_dir),
            "SWITCHYARD_SIMULATED_PROVIDER_URL": simulated_url or "",
            **_base_urls(simulated_url),
            "SWITCHYARD_TRYOUT_TOKENS": "true",
            "LOG_FORMAT": "json",
            "BYOK_ENCRYPTION_KEY": generate_key(),
            **(more or {}),
        }

    def web(self, app: str = "functions.gateway.app:app", **more: str) -> UvicornServer:
        """`more` are environment variables besides."""
        return UvicornServer(app, ready="/readyz", environment={**self.environment, **more})

    def failing_web(self, without: str | None = None, **more: str) -> UvicornServer:
        """The gateway of tests/fakes/failing_gateway.py, `without` one of its defences."""
        return self.web("tests.fakes.failing_gateway:app", TEST_WITHOUT=without or "", **more)

    def worker(self) -> JobProcess:
        command = ["dramatiq", "functions.worker.main", "--processes", "1", "--threads", "2"]
        return JobProcess(command, self.environment)

    def clock(self) -> JobProcess:
        return JobProcess(["functions.clock.main"], self.environment)

    def rows(self) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute("SELECT * FROM llm_usage_logs ORDER BY request_id").fetchall()

    def rows_when(
        self, enough: Callable[[list[dict[str, Any]]], bool], timeout_s: float = 20.0
    ) -> list[dict[str, Any]]:
        """The rows as soon as they are `enough`, else as they are after the time-out."""
        ends = time.monotonic() + timeout_s
        while True:
            rows = self.rows()
            if enough(rows) or time.monotonic() > ends:
                return rows
            time.sleep(0.1)


def _base_urls(root: str | None) -> dict[str, str]:
    if root is None:
        return {}
    return {
        f"{PROVIDER_PREFIXES[slug]}_BASE_URL": f"{root}/{slug}{urlsplit(seed.base_url).path}"
        for slug, seed in SEEDS.items()
    }


class JobProcess:
    """`python -m` with `command`, in a process group that can be killed whole."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed on exit

    def __enter__(self) -> JobProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()
        self._output.close()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._command],
            stdout=self._output,
            stderr=self._output,
            env=self._environment,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL to the whole process group: nobody says good-bye."""
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")


def ask(
    url: str, content: str = "Hello", headers: Mapping[str, str] | None = None, **body: Any
) -> httpx.Response:
    """POST a completion."""
    return httpx.post(
        url + PATH,
        json={"messages": [{"role": "user", "content": content}], **body},
        headers={**USER, **(headers or {})},
        timeout=20,
        trust_env=False,
    )


def row_of(deployment: Deployment, request_id: str) -> dict[str, Any]:
    def mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["request_id"] == request_id]

    (row,) = mine(deployment.rows_when(lambda rows: bool(mine(rows))))
    return row
