"""A worker with two jobs of its own: one that kills its process, and one that is counted.

`dramatiq tests.fakes.poison_worker:broker`. It is missed sooner than the real worker when it dies.
"""

from __future__ import annotations

import os
import signal

import dramatiq
import redis

from functions.worker.main import make_broker
from shared.settings import RedisSettings, load_settings

QUEUE = "poison"
DONE = "test:done"
DEATHS = "test:deaths"

_url = load_settings(RedisSettings)[RedisSettings].url
broker = make_broker(_url, heartbeat_timeout_ms=2_000)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=QUEUE, max_retries=0)
def poison() -> None:
    with redis.Redis.from_url(_url) as client:
        client.incr(DEATHS)
    os.kill(os.getpid(), signal.SIGKILL)


@dramatiq.actor(queue_name=QUEUE, max_retries=3, min_backoff=100)
def harmless(number: int) -> None:
    with redis.Redis.from_url(_url) as client:
        client.sadd(DONE, number)


@dramatiq.actor(queue_name=QUEUE, max_retries=2, min_backoff=10, max_backoff=20)
def failing() -> None:
    raise ValueError("sk-secret")
