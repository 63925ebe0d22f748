"""`switchyard up`: the whole gateway on this machine, from nothing to a command to paste.

    data folder, lock -> leftovers -> port -> PostgreSQL, Valkey -> migrate -> the Procfile's
    processes and the simulated provider, supervised -> the banner, once /readyz is green

It shuts down in reverse order, and leaves behind no process, no socket and no run.json.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from shared.cli.commands.migrate import run_migrations
from shared.cli.failures import CommandFailed, failing_in_one_line, one_line
from shared.cli.running import leftovers
from shared.cli.running.banner import banner, example
from shared.cli.running.data_folder import (
    empty_folder,
    ensure_key_file,
    fresh_metrics_folder,
    locked,
)
from shared.cli.running.embedded_services import EmbeddedServices
from shared.cli.running.environment import process_environment
from shared.cli.running.log_lines import LogLines, wants_color
from shared.cli.running.port import require_free_port
from shared.cli.running.procfile import (
    ProcessType,
    ProcfileInvalid,
    parse_procfile,
    read_procfile,
)
from shared.cli.running.providers_seen import Cost, cost_of, providers_seen
from shared.cli.running.ready import wait_until_ready
from shared.cli.running.run_file import Run, remove_run_file, write_run_file
from shared.cli.running.stop_request import StopRequest
from shared.cli.running.supervisor import KeepsDying, Supervisor
from shared.cli.services import (
    data_folder,
    given_database_url,
    given_redis_url,
    slugs_with_stored_key,
)
from shared.embedded import EmbeddedFailed, free_port
from shared.settings import (
    LiteLLMSettings,
    ProviderSettings,
    VaultSettings,
    WebSettings,
    inherited_environment,
    load_settings,
)
from shared.vault.sources import read_key_ring

SIMULATED = "simulated"
_PATIENCE_S = 30.0


class _Stopped(Exception):
    """A stop was requested before everything had started."""


@click.command(short_help="Run the whole gateway on this machine, database included.")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: PORT, or else 8084]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="[default: SWITCHYARD_DATA_DIR, or else a folder of this user]",
)
@click.option(
    "--simulate/--no-simulate",
    default=None,
    help="Simulate the providers."
    "  [default: simulate unless there is a platform key or LITELLM_PROXY_URL]",
)
@failing_in_one_line()
def up(port: int | None, data_dir: Path | None, simulate: bool | None) -> None:
    """Run every process of the Procfile on 127.0.0.1, with the services they need.

    PostgreSQL and Valkey are embedded unless DATABASE_URL and REDIS_URL are set. A second run
    continues with the data of the first. Ctrl-C stops everything.

    \b
    Example: switchyard up --port 9000
    """
    # Usage, keys and passwords: what this writes, and what it starts, is its user's alone.
    os.umask(0o077)
    stop = StopRequest()
    stop.listen()
    folder = data_folder() if data_dir is None else data_dir.expanduser().absolute()
    port = port or load_settings(WebSettings)[WebSettings].port
    process_types = _process_types()
    environment = inherited_environment()
    names = [process_type.name for process_type in process_types] + [SIMULATED]
    lines = LogLines(names, sys.stdout, color=wants_color(sys.stdout, environment))
    with locked(folder):
        try:
            _Up(folder, port, lines, stop).run(process_types, environment, simulate=simulate)
        except _Stopped:
            pass  # as requested; reported below
        except (KeepsDying, EmbeddedFailed) as error:
            text = str(error) if isinstance(error, KeepsDying) else one_line(error)
            raise CommandFailed(text) from error
        lines.say("stopped")


class _Up:
    def __init__(self, folder: Path, port: int, lines: LogLines, stop: StopRequest) -> None:
        self._folder = folder
        self._port = port
        self._lines = lines
        self._stop = stop

    def run(
        self, process_types: list[ProcessType], inherited: dict[str, str], *, simulate: bool | None
    ) -> None:
        encryption_key = _given_encryption_key() or ensure_key_file(self._folder)
        if ended := leftovers.end_leftovers(self._folder):
            self._lines.say(f"ended {ended} processes left over from a killed `switchyard up`")
        require_free_port(self._port)
        with ExitStack() as stack:
            services = EmbeddedServices(self._folder, self._lines.say)
            stack.callback(services.stop)
            run = self._start_services(services)
            run_migrations(run.database_url, lambda line: self._lines.say(f"migrate: {line}"))
            self._raise_if_stopped()
            simulated_port = free_port() if _simulates(simulate, run.database_url) else None
            stack.callback(remove_run_file, self._folder)
            write_run_file(self._folder, run)
            environment = process_environment(
                inherited,
                run,
                port=self._port,
                encryption_key=encryption_key,
                simulated_provider_url=_local_url(simulated_port),
                metrics_folder=fresh_metrics_folder(self._folder),
                terminal=sys.stdout.isatty(),
            )
            if simulated_port is not None:
                process_types = [*process_types, _simulated_provider(simulated_port)]
            command = _unfound_command(inherited)
            threading.Thread(target=self._announce, args=(run.url, command), daemon=True).start()
            Supervisor(
                process_types,
                environment=environment,
                folder=self._folder,
                starts_in=empty_folder(self._folder),
                lines=self._lines,
                stop=self._stop,
                each_tick=services.revive,
            ).run()
            self._lines.say("stopping the services")

    def _start_services(self, services: EmbeddedServices) -> Run:
        database_url, redis_url = given_database_url(), given_redis_url()
        psql: str | None = None
        if database_url is None:
            self._raise_if_stopped()
            postgres = services.start_postgres()
            database_url, psql = postgres.dsn, str(postgres.binaries / "psql")
        if redis_url is None:
            self._raise_if_stopped()
            redis_url = services.start_valkey().url
        self._raise_if_stopped()
        return Run(
            pid=os.getpid(),
            url=f"http://127.0.0.1:{self._port}",
            database_url=database_url,
            redis_url=redis_url,
            data_dir=str(self._folder),
            psql=psql,
        )

    def _raise_if_stopped(self) -> None:
        if self._stop.requested:
            raise _Stopped

    def _announce(self, url: str, command: Path | None) -> None:
        """Announce that the gateway is ready; until then, say every 30 s what is missing."""
        while not self._stop.requested:
            complaint = wait_until_ready(
                self._port, lambda: self._stop.requested, patience_s=_PATIENCE_S
            )
            if complaint is None:
                self._lines.show(_banner(url, command))
                return
            if not self._stop.requested:
                self._lines.say(f"not ready yet: {complaint}")


def _process_types() -> list[ProcessType]:
    """The Procfile's long-running processes; `up` runs the migrations of `release` itself."""
    try:
        found = parse_procfile(read_procfile())
    except ProcfileInvalid as error:
        raise CommandFailed(str(error)) from error
    return [process_type for process_type in found if process_type.name != "release"]


def _banner(url: str, command: Path | None) -> str:
    try:
        providers = providers_seen(url)
    except CommandFailed:
        return banner(url, (), None, command)
    cost: Cost | str
    try:
        cost = cost_of(url, example(providers))
    except CommandFailed as error:
        cost = error.message
    return banner(url, providers, cost, command)


def _simulates(wanted: bool | None, database_url: str) -> bool:
    """Whether to simulate: as wanted, else as long as there is no real key anywhere.

    Raises CommandFailed where it is wanted and a stored key rules it out.
    """
    stored = slugs_with_stored_key(database_url)
    if wanted and stored:
        raise CommandFailed(
            f"the platform's key of {stored[0]} is stored, and one real key ends the simulation of"
            " all providers; delete it with DELETE /api/v1/admin/llm/system-keys/"
            f"{stored[0]}, or leave out --simulate"
        )
    settings = load_settings(ProviderSettings, LiteLLMSettings)
    has_proxy = settings[LiteLLMSettings].proxy_url is not None
    has_real = has_proxy or bool(settings[ProviderSettings].api_keys()) or bool(stored)
    return not has_real if wanted is None else wanted


def _unfound_command(inherited: dict[str, str]) -> Path | None:
    """Where the command is, unless the shell that this was called from finds it by its name."""
    command = Path(sys.executable).parent / "switchyard"
    found = shutil.which("switchyard", path=inherited.get("PATH", os.defpath))
    return None if found is not None and Path(found).samefile(command) else command


def _given_encryption_key() -> str | None:
    """BYOK_ENCRYPTION_KEY, or None. Raises CommandFailed if it is malformed."""
    settings = load_settings(VaultSettings)[VaultSettings]
    given = settings.byok_encryption_key
    if given is None:
        return None
    try:
        read_key_ring(settings)
    except ValueError as error:
        raise CommandFailed(f"BYOK_ENCRYPTION_KEY: {error}") from error
    return given.get_secret_value()


def _local_url(port: int | None) -> str | None:
    return None if port is None else f"http://127.0.0.1:{port}"


def _simulated_provider(port: int) -> ProcessType:
    # Without the timeout, a client that keeps its connection open would keep it from stopping.
    return ProcessType(
        SIMULATED,
        f"uvicorn functions.simulated_provider.app:app --host 127.0.0.1 --port {port} --workers 1"
        " --loop uvloop --http httptools --no-access-log --timeout-graceful-shutdown 1",
    )
