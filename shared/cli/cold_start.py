"""Measures how long a function takes to import, and how much memory it then holds."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from shared.cli.failures import CommandFailed
from shared.settings import inherited_environment

_TRIES = 3
# Runs in its own process. VmHWM and ru_maxrss agree, but ru_maxrss is inherited across exec.
_PROGRAM = """
import sys, time
began = time.perf_counter()
import importlib
importlib.import_module(sys.argv[1])
took = time.perf_counter() - began
try:
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(took * 1000, peak / 1024, len(sys.modules))
"""
# The worker's module needs a broker URL at import; nothing connects to it.
_NO_SERVER = "redis://127.0.0.1:1/0"


class ColdStart(msgspec.Struct, frozen=True):
    """The fastest of three starts, without the interpreter's own."""

    import_ms: float
    memory_mb: float
    modules: int


def measure(module: str) -> ColdStart:
    """Import `module` in fresh processes. Raises CommandFailed with the last line it wrote."""
    return min((_start(module) for _ in range(_TRIES)), key=lambda start: start.import_ms)


def _start(module: str) -> ColdStart:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _PROGRAM, module],
        env={"REDIS_URL": _NO_SERVER, **inherited_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"cannot import {module}: {done.stderr.strip().splitlines()[-1]}")
    took, peak, modules = done.stdout.split()
    return ColdStart(float(took), float(peak), int(modules))
