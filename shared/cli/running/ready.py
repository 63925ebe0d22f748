"""Waits for a gateway to be ready, asking /readyz."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable

_EVERY_S = 0.1
_TIMEOUT_S = 2.0


def wait_until_ready(port: int, give_up: Callable[[], bool], *, patience_s: float) -> str | None:
    """None once it is ready; else, after `patience_s` or when `give_up` says so, why it is not."""
    deadline_s = time.monotonic() + patience_s
    complaint = "it does not answer"
    while time.monotonic() < deadline_s and not give_up():
        found = ask_ready(port)
        if found is None:
            return None
        complaint = found
        time.sleep(_EVERY_S)
    return complaint


def ask_ready(port: int) -> str | None:
    """None where the gateway on this port of 127.0.0.1 can serve, else what it lacks."""
    # Not urllib: it would send this through a proxy that the environment names.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return "it does not answer"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else _what_is_wrong(body)


def _what_is_wrong(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"].items()
    except (ValueError, KeyError, AttributeError, TypeError):
        return "its answer to /readyz cannot be read"
    return "; ".join(f"{name}: {state}" for name, state in checks if state != "ok")
