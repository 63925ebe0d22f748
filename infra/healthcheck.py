"""The container's health check: a web process answers /healthz; the others are alive or gone."""
# ruff: noqa: INP001  a script, copied into the image by itself

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection
from pathlib import Path

_TIMEOUT_S = 3


def main() -> int:
    procfile = Path(__file__).with_name("Procfile").read_text("utf-8")
    name = os.environ.get("FUNCTION", "gateway")
    if f"\n{name}: uvicorn " not in procfile:
        return 0
    connection = HTTPConnection(
        "127.0.0.1", int(os.environ.get("PORT", "8084")), timeout=_TIMEOUT_S
    )
    connection.request("GET", "/healthz")
    return 0 if connection.getresponse().status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
