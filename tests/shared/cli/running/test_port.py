from __future__ import annotations

import os
import socket

import pytest

from shared.cli.failures import CommandFailed
from shared.cli.running.port import require_free_port
from shared.embedded import free_port


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_named_with_who_has_it(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        told = rf"^port {port} is in use by .*\(pid {os.getpid()}\); set PORT or stop it$"
        with pytest.raises(CommandFailed, match=told):
            require_free_port(port)


def test_a_port_with_yesterdays_connections_is_free() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        # Closing first leaves the port in TIME_WAIT.
        accepted.close()
        client.recv(1)
        port = server.getsockname()[1]
    require_free_port(port)


def test_a_free_port_passes() -> None:
    require_free_port(free_port())
