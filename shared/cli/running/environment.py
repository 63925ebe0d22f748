"""The environment that `switchyard up` gives to the processes it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.cli.running.run_file import Run
from shared.settings import LogSettings, WebSettings, load_settings

GRACEFUL_S = 5


def process_environment(
    inherited: Mapping[str, str],
    run: Run,
    *,
    port: int,
    encryption_key: str,
    simulated_provider_url: str | None,
    metrics_folder: Path,
    terminal: bool,
) -> dict[str, str]:
    """`inherited`, with what `run` is made of in place of what it says about that.

    The two try-out tokens are switched on: everything listens on 127.0.0.1 only. Several web
    processes report their metrics as one, through `metrics_folder` where no other is named.
    """
    settings = load_settings(LogSettings, WebSettings)
    environment = {
        **inherited,
        "DATABASE_URL": run.database_url,
        "REDIS_URL": run.redis_url,
        "BYOK_ENCRYPTION_KEY": encryption_key,
        "SWITCHYARD_DATA_DIR": run.data_dir,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        # The Procfile's shell does not read .env, where it may stand.
        "WEB_CONCURRENCY": str(settings[WebSettings].web_concurrency),
        "GRACEFUL_S": str(GRACEFUL_S),
        # There is no balancer to wait for.
        "DRAIN_S": "0",
        "SWITCHYARD_TRYOUT_TOKENS": "true",
        "PATH": _path(inherited.get("PATH", os.defpath)),
        "PYTHONUNBUFFERED": "1",
    }
    if settings[WebSettings].web_concurrency > 1:
        environment.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics_folder))
    environment.pop("SWITCHYARD_SIMULATED_PROVIDER_URL", None)
    if simulated_provider_url is not None:
        environment["SWITCHYARD_SIMULATED_PROVIDER_URL"] = simulated_provider_url
    if terminal and settings[LogSettings].format is None:
        # Their own output is a pipe to us.
        environment["LOG_FORMAT"] = "console"
    return environment


def _path(inherited: str) -> str:
    programs = str(Path(sys.executable).parent)
    return os.pathsep.join([programs, inherited])
