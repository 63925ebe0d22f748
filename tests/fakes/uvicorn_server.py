"""An ASGI app as a real server, in a process of its own, which a test may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO

import httpx

_START_SECONDS = 30
_TRIES = 3


class UvicornServer:
    """Use as `with`; or `start`, and `kill` or `stop`. Its port stays the same over restarts."""

    def __init__(
        self,
        app: str,
        *,
        ready: str,
        ready_status: int = 200,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """It is ready once it answers the path `ready` with `ready_status`."""
        self._app = app
        self._ready = ready
        self._ready_status = ready_status
        self._environment = {"DRAIN_S": "0", **os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop
        self.port = 0

    def __enter__(self) -> UvicornServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        # Between choosing a port and listening on it another process may take it.
        for _ in range(_TRIES):
            self.port = self.port or _free_port()
            if self._start():
                return
            self.stop()
            self.port = 0
        raise RuntimeError(f"{self._app} did not start: {self.output()}")

    def kill(self) -> None:
        """SIGKILL, as the kernel does it when memory is short."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        self.stop()
        self._output.close()

    def output(self) -> str:
        """What it printed so far, logs included."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def _start(self) -> bool:
        command = [sys.executable, "-m", "uvicorn", self._app]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--loop", "uvloop"]
        command += [
            "--http",
            "shared.http_protocol:Bounded",
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        # Without a limit a call that hangs would keep the server from stopping.
        command += ["--timeout-graceful-shutdown", "1"]
        process = subprocess.Popen(
            command, stdout=self._output, stderr=self._output, env=self._environment
        )
        self._process = process
        ends = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < ends:
            try:
                answer = httpx.get(self.url + self._ready, trust_env=False)
                if answer.status_code == self._ready_status:
                    return process.poll() is None
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
