"""A function's process on Lambda: AWS's own runtime interface client, with Runtime API here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.fakes.runtime_api import RuntimeApi


class LambdaProcess:
    """Use as `with`. Runs in a session of its own, which is frozen, thawed and ended as a whole."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], root: Path) -> None:
        self._command = command
        self._environment = environment
        self._root = root
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed on exit
        self.process: subprocess.Popen[bytes]

    @classmethod
    def with_runtime(
        cls, handler: str, api: RuntimeApi, environment: Mapping[str, str], root: Path
    ) -> LambdaProcess:
        """`handler` under awslambdaric, as the managed runtime starts it."""
        command = [sys.executable, "-m", "awslambdaric", handler]
        return cls(command, {**environment, "AWS_LAMBDA_RUNTIME_API": api.address}, root)

    def __enter__(self) -> LambdaProcess:
        self.process = subprocess.Popen(
            self._command,
            cwd=self._root,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """SIGKILL, as Lambda ends an environment: nothing may depend on a good-bye."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()

    def freeze(self) -> None:
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM to a process that is thawed for it, as Lambda shuts an environment down."""
        self.thaw()
        os.killpg(self.process.pid, signal.SIGTERM)

    def output(self) -> str:
        position = self._output.tell()
        self._output.seek(0)
        text = self._output.read().decode(errors="replace")
        self._output.seek(position)
        return text
