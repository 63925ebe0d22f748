"""Whether a TCP port of this machine can be listened on, and who has it if not."""

from __future__ import annotations

import socket

import psutil

from shared.cli.failures import CommandFailed


def require_free_port(port: int) -> None:
    """Raises CommandFailed, naming who listens on `port` of 127.0.0.1, where that can be known."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As uvicorn binds: connections of yesterday that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandFailed(f"port {port} needs root; set PORT to one above 1023") from None
        except OSError:
            raise CommandFailed(
                f"port {port} is in use by {_listener(port)}; set PORT or stop it"
            ) from None


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            address: tuple[str, int] | tuple[()] = connection.laddr
            listens = connection.status == psutil.CONN_LISTEN and address and address[1] == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        # Other users' processes cannot be seen without root on macOS.
        return "another process"
    return "another process"
