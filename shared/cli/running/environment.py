"""The environment in which `switchyard up` runs its processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from dotenv import dotenv_values

from shared.cli.running.run_file import Run
from shared.settings import LogSettings, SettingsGroup, WebSettings, load_settings

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
    """`inherited`, with its services and addresses replaced by those of `run`.

    Enables the two try-out tokens, which is safe because everything listens on 127.0.0.1. Several
    web processes report their metrics as one, through `metrics_folder` unless another is set.
    """
    settings = load_settings(LogSettings, WebSettings)
    environment = {
        **with_env_files(inherited),
        "DATABASE_URL": run.database_url,
        "REDIS_URL": run.redis_url,
        "BYOK_ENCRYPTION_KEY": encryption_key,
        "SWITCHYARD_DATA_DIR": run.data_dir,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        # It may be set in .env, which the Procfile's shell does not read.
        "WEB_CONCURRENCY": str(settings[WebSettings].web_concurrency),
        "GRACEFUL_S": str(GRACEFUL_S),
        # There is no load balancer to wait for.
        "DRAIN_S": "0",
        "SWITCHYARD_TRYOUT_TOKENS": "true",
        "PUBLIC_STATUS": "true",
        "PATH": _path(inherited.get("PATH", os.defpath)),
        "PYTHONUNBUFFERED": "1",
        # The folder that they start in holds no module of ours.
        "PYTHONSAFEPATH": "1",
    }
    if settings[WebSettings].web_concurrency > 1:
        environment.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics_folder))
    environment.pop("SWITCHYARD_SIMULATED_PROVIDER_URL", None)
    if simulated_provider_url is not None:
        environment["SWITCHYARD_SIMULATED_PROVIDER_URL"] = simulated_provider_url
    if terminal and settings[LogSettings].format is None:
        # The processes cannot tell: they write to a pipe.
        environment["LOG_FORMAT"] = "console"
    return environment


def with_env_files(inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited` with what `.env` and `.env.auth` of this folder add to it, for processes that
    start in another, where they do not find these files; so paths are made absolute.
    """
    known = {field.alias: field for group in _groups() for field in group.model_fields.values()}
    full = dict(inherited)
    for file in (".env", ".env.auth"):
        for name, value in dotenv_values(file).items():
            if name.upper() in known and value and not full.get(name.upper()):
                full[name.upper()] = value
    for name, field in known.items():
        if name and full.get(name) and Path in get_args(field.annotation):
            full[name] = str(Path(full[name]).expanduser().absolute())
    return full


def _groups(parent: type[SettingsGroup] = SettingsGroup) -> list[type[SettingsGroup]]:
    below = parent.__subclasses__()
    return [*below, *(group for one in below for group in _groups(one))]


def _path(inherited: str) -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), inherited])
