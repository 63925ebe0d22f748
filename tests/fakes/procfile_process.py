"""A line of a Procfile as a platform runs it: by a shell, with PORT, ended by SIGTERM."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import httpx
import psutil

from shared.embedded import free_port
from tests.architecture.tree import ROOT

_START_S = 60.0


class ProcfileProcess:
    """Use as `with`; it has `environment`, PORT and PATH, and nothing of ours.

    `wait_until_ready` is for a web process.
    """

    def __init__(self, command: str, environment: Mapping[str, str], cwd: Path = ROOT) -> None:
        self._command = command
        self._cwd = cwd
        self.port = free_port()
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            # A test that is not about it would wait for nobody.
            "DRAIN_S": "0",
            **environment,
        }
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed on exit
        self._process: subprocess.Popen[bytes] | None = None
        self._told: list[psutil.Process] = []

    def __enter__(self) -> ProcfileProcess:
        self.start()
        return self

    def start(self) -> None:
        """Also again, on the same port, once it has ended."""
        self._told = []
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", self._command],
            cwd=self._cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def __exit__(self, *_: object) -> None:
        self.terminate()
        if not self.has_ended(10):
            self.kill()
        self._output.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def terminate(self) -> None:
        """SIGTERM to all of its processes, as platforms send it."""
        self._signal_all(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to all of its processes, as platforms send it after 30 s."""
        self._signal_all(signal.SIGKILL)
        assert self.has_ended(10)

    def has_ended(self, timeout_s: float) -> bool:
        """Whether all that were told to end do so in that time; the shell is the first to go."""
        _, alive = psutil.wait_procs(self._told, timeout=timeout_s)
        return not alive and self.process.poll() is not None

    def _signal_all(self, number: signal.Signals) -> None:
        """Not to the process group: a runner gives each of its processes one of its own."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            found = [root, *root.children(recursive=True)]
            self._told += [one for one in found if one not in self._told]
        for one in self._told:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(number)

    def wait_until_ready(self) -> None:
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{self._command} did not get ready: {self.output()}")

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")
