"""`switchyard up` as a newcomer meets it: an empty data folder, the line to paste, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from shared.embedded import free_port
from shared.settings import PROVIDER_PREFIXES
from shared.wire.providers import SEEDS
from tests.shared.cli.waiting import wait_for

SWITCHYARD = str(Path(sys.executable).parent / "switchyard")
_UNSET = {
    "DATABASE_URL",
    "REDIS_URL",
    "BYOK_ENCRYPTION_KEY",
    "GEMINI_API_KEY",
    "LITELLM_PROXY_URL",
    "LITELLM_MASTER_KEY",
    *(f"{prefix}_API_KEY" for prefix in PROVIDER_PREFIXES.values()),
}


class Up:
    """A running `switchyard up`, and what it has written."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [SWITCHYARD, "up", "--port", str(port)],
            env=_environment(folder),
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines.extend(iter(self.process.stdout.readline, ""))

    def curl(self) -> str:
        """The line to paste; waits until it is there."""
        wait_for(lambda: self._curl_lines() or self.process.poll() is not None, 90)
        assert self._curl_lines(), "".join(self.lines)
        return self._curl_lines()[0]

    def _curl_lines(self) -> list[str]:
        return [line for line in list(self.lines) if line.startswith("curl ")]

    def paste(self) -> dict[str, Any]:
        """What the line to paste answers."""
        words = shlex.split(self.curl())
        assert words[:2] == ["curl", "-s"]
        options = list(zip(words[3::2], words[4::2], strict=True))
        headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
        (body,) = [value for option, value in options if option == "-d"]
        answer = httpx.post(words[2], headers=headers, content=body, timeout=30)
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    def interrupt(self) -> float:
        """Ctrl-C; gives the seconds until it had ended."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        took_s = time.monotonic() - began_s
        self._reader.join()
        return took_s

    def usage_rows(self) -> int:
        run_file = self.folder / "run.json"
        assert run_file.exists(), "".join(self.lines[-60:])
        url = json.loads(run_file.read_text())["database_url"]
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT COUNT(*) FROM llm_usage_logs").fetchone()
        return 0 if row is None else int(row[0])


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**inherited, "SWITCHYARD_DATA_DIR": str(folder)}


def processes_of(folder: Path) -> list[str]:
    """The command lines of what runs on this data folder."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            is_ours = any(str(folder) in word for word in words)
            is_ours = is_ours or process.environ().get("SWITCHYARD_DATA_DIR") == str(folder)
            # A title of its own hides the former two.
            is_ours = is_ours or process.cwd().startswith(str(folder))
        except psutil.Error:
            continue
        if is_ours:
            found.append(" ".join(words))
    return found


def listener(port: int) -> int | None:
    """The process that listens on the port."""
    for connection in psutil.net_connections("tcp4"):
        is_there = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        if is_there:
            return connection.pid
    return None


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def starting() -> Iterator[Callable[[], Up]]:
    """Starts `switchyard up`, each time on the same data folder and port, and in a folder of
    another project that has packages named as ours are.
    """
    # Not pytest's own folder: as root PostgreSQL runs as another user, who could not enter it.
    root = Path(tempfile.mkdtemp(prefix="switchyard-up-"))
    root.chmod(0o755)
    for name in ("functions", "shared", "migrations"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text(f"raise SystemExit('{name} of another project')\n")
    port = free_port()
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(root / "data", port))
        return started[-1]

    try:
        yield start
    finally:
        if started[-1].process.poll() is None:
            started[-1].interrupt()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def start() -> Iterator[Callable[[], Up]]:
    with starting() as start:
        yield start


@pytest.fixture(scope="module")
def ready() -> Iterator[Up]:
    """For those who leave it so."""
    with starting() as start:
        up = start()
        up.curl()
        yield up


@pytest.mark.slow
def test_a_newcomer_is_served_and_ctrl_c_leaves_nothing(start: Callable[[], Up]) -> None:
    up = start()
    metadata = up.paste()["_metadata"]
    assert metadata["provider_used"] in PROVIDER_PREFIXES
    assert metadata["cost_incurred"] > 0
    assert metadata["power_level"] == "balanced"
    assert metadata["simulated"] is True
    assert any("SIMULATED" in line and "OpenAI" in line for line in up.lines)
    wait_for(lambda: up.usage_rows() == 1, 30)

    assert up.interrupt() < 10
    assert up.process.returncode == 0
    assert processes_of(up.folder) == []
    assert is_free(up.port)
    assert not (up.folder / "run.json").exists()

    again = start()
    again.paste()
    wait_for(lambda: again.usage_rows() == 2, 30)


@pytest.mark.slow
def test_down_ends_all_that_a_killed_up_left(start: Callable[[], Up]) -> None:
    killed = start()
    killed.curl()
    killed.process.kill()
    killed.process.wait()
    assert any("postgres" in words for words in processes_of(killed.folder))
    subprocess.run([SWITCHYARD, "down"], env=_environment(killed.folder), check=True)
    assert processes_of(killed.folder) == []


@pytest.mark.slow
def test_what_a_killed_up_left_does_not_stand_in_the_way_of_the_next(
    start: Callable[[], Up],
) -> None:
    killed = start()
    killed.curl()
    killed.process.kill()
    killed.process.wait()
    up = start()
    up.paste()
    assert any("processes left over from a killed `switchyard up`" in line for line in up.lines)
    up.interrupt()
    assert processes_of(up.folder) == []


@pytest.mark.slow
def test_a_killed_web_process_is_replaced(ready: Up) -> None:
    first = listener(ready.port)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: listener(ready.port) not in {None, first}, 30)
    wait_for(lambda: httpx.get(f"http://127.0.0.1:{ready.port}/readyz").status_code == 200, 30)
    assert ready.paste()["_metadata"]["simulated"] is True


@pytest.mark.slow
def test_other_terminals_find_the_services_and_a_second_up_is_refused(ready: Up) -> None:
    environment = _environment(ready.folder)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env=environment,
            cwd=ready.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    report = run(SWITCHYARD, "doctor", "--json")
    assert report.returncode == 0, report.stdout
    client, dsn = shlex.split(json.loads(report.stdout)["psql"])
    counted = run(client, dsn, "-Atc", "SELECT COUNT(*) FROM llm_providers")
    assert counted.stdout == f"{len(SEEDS)}\n", counted.stderr

    token = run(SWITCHYARD, "token", "create", "--user", "ada", "--tier", "free").stdout.strip()
    models = f"http://127.0.0.1:{ready.port}/api/v1/llm/models"
    answer = httpx.get(models, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200

    second = run(SWITCHYARD, "up", "--port", str(ready.port))
    assert second.returncode == 1
    assert re.fullmatch(
        rf"switchyard: already running on .*, pid {ready.process.pid}, http://127.0.0.1:{ready.port}\n",
        second.stderr,
    )


def test_a_taken_port_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [SWITCHYARD, "up"],
            env={**_environment(tmp_path), "PORT": str(port)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert re.fullmatch(
        rf"switchyard: port {port} is in use by .* \(pid {os.getpid()}\);"
        r" stop it or set another PORT\n",
        done.stderr,
    )
