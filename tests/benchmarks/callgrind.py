"""The gateway under valgrind's callgrind, and the two ends it talks to: a caller and a provider.

Both ends are blocking sockets on one connection with answers from memory, so that each request
makes the gateway read and write alike.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil

from tests.benchmarks.held_loop import TURN

APP = "functions.chat_completions.app:app"
LOOP = "tests.benchmarks.held_loop:HeldLoop"
_START_S, _ANSWER_S = 300.0, 60.0
# Longer than any turn of what repeats itself.
_SETTLES_WITHIN_S, _IDLE_CPU_S = 3.0, 0.05


def programs() -> tuple[str, str]:
    """Where valgrind and callgrind_control are. Raises SystemExit that says what to install."""
    valgrind, control = shutil.which("valgrind"), shutil.which("callgrind_control")
    if valgrind is None or control is None:
        raise SystemExit("counting instructions needs valgrind (the Debian package of that name)")
    return valgrind, control


def body_of(answer: BinaryIO) -> bytes | None:
    """The body of the next HTTP message, sized or chunked; None where there is no more.

    Raises RuntimeError for an answer that is not a 200.
    """
    first = answer.readline()
    if not first:
        return None
    if first.startswith(b"HTTP/") and b" 200 " not in first:
        raise RuntimeError(f"{first.decode().strip()}: {answer.read1(4096).decode()}")
    size: int | None = 0
    while (line := answer.readline().strip().lower()) != b"":
        name, _, value = line.partition(b":")
        if name == b"content-length":
            size = int(value)
        elif name == b"transfer-encoding":
            size = None
    return b"".join(_chunks(answer)) if size is None else answer.read(size)


def _chunks(answer: BinaryIO) -> Iterator[bytes]:
    size = -1
    while size != 0:
        size = int(answer.readline(), 16)
        yield answer.read(size)
        answer.readline()


@contextmanager
def provider(content_type: str, body: bytes) -> Iterator[int]:
    """Answer every request so; gives the port."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    answer = head.encode() + body

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while body_of(self.rfile) is not None:
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class Counted:
    """One uvicorn process, whose instructions count from `begin` on; its log is `folder`/log."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str]) -> None:
        valgrind, self._control_program = programs()
        self._folder = folder
        self.port = port
        command = [valgrind, "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={folder / 'counts'}", sys.executable, "-m", "uvicorn"]
        command += [APP, "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        command += ["--loop", LOOP, "--http", "shared.http_protocol:Bounded", "--no-proxy-headers"]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment, "PYTHONHASHSEED": "0"},
            )

    def connect(self) -> socket.socket:
        """As soon as it listens. Raises RuntimeError with its last words where it ends before."""
        ends = time.monotonic() + _START_S
        while self._process.poll() is None and time.monotonic() < ends:
            try:
                return socket.create_connection(("127.0.0.1", self.port), _ANSWER_S)
            except OSError:
                time.sleep(0.2)
        raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")[-2000:])

    def wait_until_ready(self) -> None:
        """Until it has a catalog. Raises RuntimeError where that takes too long."""
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends:
            with self.connect() as caller, caller.makefile("rb") as answers:
                caller.sendall(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
                if b" 200 " in answers.readline():
                    return
            time.sleep(0.2)
        raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")[-2000:])

    def begin(self) -> None:
        self._process.send_signal(TURN)
        self._settle()
        self._control("--instr=on")

    def so_far(self) -> int:
        """Instructions since the last call, or `begin`, with one turn of what is done by time."""
        self._process.send_signal(TURN)
        self._settle()
        self._control("--dump")
        dumps = sorted(self._folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        (total,) = re.findall(r"^(?:summary|totals): (\d+)", dumps[-1].read_text("utf-8"), re.M)[:1]
        return int(total)

    def _settle(self) -> None:
        """Wait until it does nothing any more."""
        process = psutil.Process(self._process.pid)
        used = -1.0
        while (now := sum(process.cpu_times()[:2])) - used > _IDLE_CPU_S:
            used = now
            time.sleep(_SETTLES_WITHIN_S)

    def _control(self, order: str) -> None:
        command = [self._control_program, order, str(self._process.pid)]
        subprocess.run(command, check=True, capture_output=True)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
