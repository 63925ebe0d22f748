"""The worker process: `dramatiq functions.worker.main`.

Dramatiq imports this module in each of its processes; the broker must be set before the first
actor is registered, or that would take a broker on localhost in silence.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import functions
from functions.worker.quarantine import Quarantine
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import JOB_QUEUES, connect
from shared.log import configure_logging
from shared.settings import (
    DatabaseSettings,
    FunctionSettings,
    LogSettings,
    RedisSettings,
    SettingsInvalid,
    load_settings,
)

# Messages that a killed worker held are queued again at the next command after this, by any
# worker: a command in each million does that housekeeping otherwise, which may take hours.
_HEARTBEAT_TIMEOUT_MS = 15_000
_ALWAYS = 1_000_000
# Long enough to be looked at; at the default of 7 days an outage would fill Redis with them.
_DEAD_MESSAGE_TTL_MS = 24 * 3600 * 1000


def make_broker(
    redis_url: str, *, heartbeat_timeout_ms: int = _HEARTBEAT_TIMEOUT_MS
) -> RedisBroker:
    """The workers' broker, with Dramatiq's default middleware (none of it opens a port)."""
    client = connect(redis_url)
    broker = RedisBroker(
        client=client,
        namespace=JOB_QUEUES,
        maintenance_chance=_ALWAYS,
        heartbeat_timeout=heartbeat_timeout_ms,
        dead_message_ttl=_DEAD_MESSAGE_TTL_MS,
    )
    first = type(broker.middleware[0])
    broker.add_middleware(Quarantine(client, _connections), before=first)
    return broker


@cache
def _connections() -> ThreadConnections:
    return ThreadConnections(load_settings(DatabaseSettings)[DatabaseSettings].dsn)


def register_actors(only: str | None = None) -> list[str]:
    """Import functions/*/actor.py, or that of `only`; the names of the actors known then.

    Raises SettingsInvalid where there is none.
    """
    for folder in functions.__path__:
        for file in sorted(Path(folder).glob(f"{only or '*'}/actor.py")):
            importlib.import_module(f"{functions.__name__}.{file.parent.name}.actor")
    names = sorted(dramatiq.get_broker().get_declared_actors())
    if not names:
        raise SettingsInvalid(
            f"SWITCHYARD_FUNCTION is invalid: there is no functions/{only}/actor.py"
        )
    return names


_settings = load_settings(FunctionSettings, LogSettings, RedisSettings)
configure_logging(_settings[LogSettings])
dramatiq.set_broker(make_broker(_settings[RedisSettings].url))
register_actors(_settings[FunctionSettings].name)
