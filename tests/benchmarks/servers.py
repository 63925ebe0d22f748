"""The processes of a benchmark, each pinned to a core."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

HERE = Path(__file__).parent
GATEWAY_CORE, OTHER_CORE = 0, 1

COMPLETION = json.dumps(
    {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "All work and no play. " * 36},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 92, "completion_tokens": 216, "total_tokens": 308},
    },
    separators=(",", ":"),
)
"""1.1 KB with usage, as in the figures of the peers."""


def _event(delta: str, finish: str | None, usage: str) -> str:
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{json.dumps(finish)}}}'
    choices = f"[{choice}]" if finish != "none" else "[]"
    return (
        'data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1790000000,'
        '"model":"gpt","service_tier":"default","system_fingerprint":"fp_benchmark0000",'
        f'"choices":{choices},"usage":{usage},"obfuscation":"benchmark0000000"}}\n\n'
    )


STREAM = (
    "".join(_event('{"content":" benchmark"}', None, "null") for _ in range(50))
    + _event("{}", "stop", "null")
    + _event("", "none", '{"prompt_tokens":92,"completion_tokens":50,"total_tokens":142}')
    + "data: [DONE]\n\n"
)
"""53 events, 15 KB."""


def program(name: str) -> str:
    """Where it is. Raises SystemExit that says what to install."""
    # Debian's nginx is where only root's PATH leads.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if found is None:
        raise SystemExit("the benchmarks need wrk and nginx (Debian packages of these names)")
    return found


class Process:
    """A command pinned to `core`; `cpu_s` is what it and its children have used."""

    def __init__(
        self, command: Sequence[str], core: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self._log: IO[bytes] = log.open("ab")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def cpu_s(self) -> float:
        parent = psutil.Process(self._process.pid)
        times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    def rss_mb(self) -> float:
        parent = psutil.Process(self._process.pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True))) / 2**20

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def nginx(role: str, server: str, core: int, folder: Path) -> Process:
    text = (HERE / "nginx.conf").read_text()
    text = text.replace("@SERVER@", server).replace("@FOLDER@", str(folder))
    config = folder / f"{role}.conf"
    config.write_text(text.replace("@ROLE@", role))
    return Process([program("nginx"), "-c", str(config)], core, folder / f"{role}.log", {})


def upstream(port: int, folder: Path) -> Process:
    """A provider that costs next to nothing: it sends its answer from memory."""
    (folder / "stream.txt").write_text(STREAM)
    # A file cannot be POSTed to: it stands in for the error page of that.
    server = f"""
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /json/ {{ default_type application/json; return 200 '{COMPLETION}'; }}
        location /stream/ {{ error_page 405 =200 /stream.txt; return 405; }}
        location = /stream.txt {{ root {folder}; types {{ text/event-stream txt; }} }}
    }}"""
    return nginx("upstream", server, OTHER_CORE, folder)


def reverse_proxy(port: int, upstream_port: int, folder: Path) -> Process:
    server = f"""
    upstream provider {{
        server 127.0.0.1:{upstream_port};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}"""
    return nginx("proxy", server, GATEWAY_CORE, folder)


def gateway(app: str, port: int, folder: Path, environment: Mapping[str, str]) -> Process:
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "shared.http_protocol:Bounded"]
    command += ["--no-access-log", "--no-proxy-headers"]
    name = app.partition(":")[0].rpartition(".")[2] + str(port)
    return Process(command, GATEWAY_CORE, folder / f"{name}.log", environment)


def wait_for(port: int, seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
