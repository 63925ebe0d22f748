"""The clock process: `python -m functions.clock.main`."""

from __future__ import annotations

import os
import signal
import sys

from functions.clock.jobs import runs
from functions.clock.timer import Timer
from shared.db.thread_connection import ThreadConnections
from shared.jobs import Dispatch
from shared.log import configure_logging, flush_log, get_logger
from shared.settings import (
    CatalogSettings,
    DatabaseSettings,
    HealthSettings,
    LogSettings,
    RedisSettings,
    SettingsInvalid,
    load_settings,
)

SETTINGS = (CatalogSettings, DatabaseSettings, RedisSettings, HealthSettings)


def main() -> None:
    """Run until SIGTERM or SIGINT. Raises SettingsInvalid where a setting is missing."""
    settings = load_settings(LogSettings, *SETTINGS)
    configure_logging(settings[LogSettings])
    stops = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the first thread starts, which inherits it: sigwait below gets them all.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    connections = ThreadConnections(settings[DatabaseSettings].dsn)
    interval_s = settings[HealthSettings].interval_s
    wanted = runs(Dispatch(settings[RedisSettings].url), connections, settings)
    Timer(wanted, connections).start()
    get_logger().info("clock.started", jobs=[job.name for job in wanted])
    # A sentence, as the deployment guide looks for it.
    get_logger().info(f"Health monitor started (interval: {interval_s}s)")
    signal.sigwait(stops)
    get_logger().info("clock.stopping")
    flush_log()
    # At once: a job may wait for a server, and a tick whose transaction is cut is free again.
    os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except SettingsInvalid as error:
        sys.exit(f"clock: {error}")
