"""Runs a wheel as a newcomer would, from nothing to a first answer, and says how long that took.

    python infra/dist/check_wheel.py dist/switchyard_gateway-0.1.0-py3-none-any.whl [uvx|pipx|pip]

It starts in a folder with packages named as ours are, as another project may have. Needs the standard
library, and the installer that it is asked to use. Exits with 1 where anything is not as it should be.
"""

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
import time
import urllib.request
from pathlib import Path
from typing import Any

_PATIENCE_S = 300
_NOT_OURS = re.compile(
    r".*_API_KEY|.*_BASE_URL|DATABASE_URL|REDIS_URL|BYOK_.*|LITELLM_.*|PYTHON.*|VIRTUAL_ENV"
)


def command(way: str, wheel: Path, folder: Path) -> list[str]:
    """What runs `switchyard`, installed into `folder` if need be."""
    wanted = f"{wheel}[up]"
    if way == "uvx":
        return ["uv", "tool", "run", "--from", wanted, "switchyard"]
    if way == "pipx":
        return ["pipx", "run", "--no-cache", "--spec", wanted, "switchyard"]
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    binaries = folder / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", wanted], check=True)
    return [str(binaries / "switchyard")]


def ask(line: str) -> dict[str, Any]:
    """What the curl line of the banner is answered."""
    words = shlex.split(line)
    options = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    (body,) = (value for option, value in options if option == "-d")
    request = urllib.request.Request(words[2], body.encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def first_answer(up: subprocess.Popen[str]) -> dict[str, Any]:
    """Reads until the line to paste. Raises RuntimeError where there is none."""
    assert up.stdout is not None
    seen: list[str] = []
    for line in up.stdout:
        seen.append(line)
        if line.startswith("curl "):
            return ask(line)
    raise RuntimeError("".join(seen[-30:]))


def check(way: str, wheel: Path) -> None:
    """Raises RuntimeError, OSError or subprocess.SubprocessError."""
    folder = Path(tempfile.mkdtemp(prefix="switchyard-wheel-"))
    # As root PostgreSQL runs as another user.
    folder.chmod(0o755)
    for name in ("functions", "shared", "migrations"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('of another project')\n")
    inherited = {name: value for name, value in os.environ.items() if not _NOT_OURS.fullmatch(name)}
    environment = {**inherited, "SWITCHYARD_DATA_DIR": str(folder / "data")}
    began_s = time.monotonic()
    try:
        called = command(way, wheel.resolve(), folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        with subprocess.Popen(
            [*called, "up", "--port", port],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as up:  # fmt: skip
            signal.signal(signal.SIGALRM, lambda *_: up.kill())
            signal.alarm(_PATIENCE_S)
            try:
                answer = first_answer(up)
                took_s = time.monotonic() - began_s
            finally:
                up.send_signal(signal.SIGINT)
                assert up.stdout is not None
                rest = up.stdout.read()
        if up.returncode != 0 or "stopped" not in rest:
            raise RuntimeError(f"it did not stop as it should ({up.returncode}): {rest[-2000:]}")
        if answer["_metadata"]["simulated"] is not True:
            raise RuntimeError(f"not a simulated answer: {answer}")
        print(f"{wheel.name} by {way}: {took_s:.1f} s from nothing to the first answer")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    check(sys.argv[2] if len(sys.argv) > 2 else "uvx", Path(sys.argv[1]))
