"""Checks that a TCP port of this machine is free, and says who has it if not."""

from __future__ import annotations

import socket

import psutil

from shared.cli.failures import CommandFailed


def require_free_port(port: int) -> None:
    """Raise CommandFailed if `port` of 127.0.0.1 is taken, naming who listens on it if possible."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As uvicorn does when it binds: old connections that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandFailed(f"port {port} needs root; set PORT to 1024 or higher") from None
        except OSError:
            raise CommandFailed(
                f"port {port} is in use by {_listener(port)}; stop it or set another PORT"
            ) from None


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            address: tuple[str, int] | tuple[()] = connection.laddr
            listens = connection.status == psutil.CONN_LISTEN and address and address[1] == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        # macOS shows other users' processes only to root.
        return "another process"
    return "another process"
