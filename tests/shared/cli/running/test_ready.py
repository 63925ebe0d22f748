from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.cli.running.ready import ask_ready, wait_until_ready
from shared.embedded import free_port


@contextmanager
def gateway(answers: list[tuple[int, bytes]]) -> Iterator[int]:
    """Something that gives these answers in turn, and the last one for ever; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


NOT_READY = json.dumps({"status": "x", "checks": {"snapshot": "no snapshot yet", "spool": "ok"}})


def test_it_waits_until_the_gateway_can_serve() -> None:
    with gateway([(503, NOT_READY.encode()), (503, b""), (200, b"{}")]) as port:
        assert wait_until_ready(port, lambda: False, patience_s=10) is None


def test_it_says_what_is_not_ok_when_patience_ends() -> None:
    with gateway([(503, NOT_READY.encode())]) as port:
        found = wait_until_ready(port, lambda: False, patience_s=0.3)
    assert found == "snapshot: no snapshot yet"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"checks": 1}', b"<html>"])
def test_an_answer_of_something_else_is_not_ready(body: bytes) -> None:
    with gateway([(503, body)]) as port:
        assert ask_ready(port) == "its answer to /readyz cannot be read"


def test_nothing_there_is_not_ready() -> None:
    assert ask_ready(free_port()) == "it does not answer"


def test_it_gives_up_when_told_to() -> None:
    assert wait_until_ready(free_port(), lambda: True, patience_s=60) is not None
