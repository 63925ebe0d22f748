"""The simulated provider as a real server, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from typing import IO, Any

import httpx

_START_SECONDS = 20
_TRIES = 3


class SimulatedProvider:
    """Use as `with`. `url` has no path: any prefix may follow it, as in `{url}/openai/v1`."""

    url: str

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def __enter__(self) -> SimulatedProvider:
        # Between choosing a port and listening on it another process may take it.
        said = ""
        for _ in range(_TRIES):
            if self._start(_free_port()):
                return self
            said = self._said()
            self._stop()
        raise RuntimeError(f"the simulated provider did not start: {said}")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def calls(self) -> list[dict[str, Any]]:
        """The log, oldest first; `Call` in functions.simulated_provider.calls names its fields."""
        return httpx.get(f"{self.url}/__calls", trust_env=False).json()["calls"]

    def clear(self) -> None:
        httpx.delete(f"{self.url}/__calls", trust_env=False).raise_for_status()

    def _start(self, port: int) -> bool:
        command = [sys.executable, "-m", "uvicorn", "functions.simulated_provider.app:app"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"]
        command += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
        # Without a limit a call that hangs would keep the server from stopping.
        command += ["--timeout-graceful-shutdown", "1"]
        self.url = f"http://127.0.0.1:{port}"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by _stop
        process = subprocess.Popen(command, stdout=self._errors, stderr=self._errors)
        self._process = process
        ends = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < ends:
            try:
                self.calls()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return process.poll() is None
        return False

    def _said(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
