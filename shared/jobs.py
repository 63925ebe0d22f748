"""Jobs are enqueued by name, so that who enqueues imports neither Dramatiq nor the job."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from shared.resources import opener
from shared.settings import RedisSettings

if TYPE_CHECKING:
    from dramatiq.brokers.redis import RedisBroker

NAMESPACE = "switchyard:dramatiq"
_TIMEOUT_S = 2.0


class Dispatch:
    """Enqueues jobs from any thread. Dramatiq is imported, and Redis asked, when first used."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._broker: RedisBroker | None = None
        self._opening = threading.Lock()

    def enqueue(self, actor: str, queue: str, /, **arguments: Any) -> str:
        """Enqueue a call of `actor` with `arguments`, which must be JSON; the message's id.

        Returns though no worker runs, and though none knows `actor`. Raises redis.RedisError where
        Redis is away; it is asked once: a second try may enqueue a second time.
        """
        from dramatiq import Message  # noqa: PLC0415

        message: Message[Any] = Message(
            queue_name=queue, actor_name=actor, args=(), kwargs=arguments, options={}
        )
        self._open().enqueue(message)  # pyright: ignore[reportUnknownMemberType]
        return message.message_id

    async def enqueue_soon(self, actor: str, queue: str, /, **arguments: Any) -> str:
        """`enqueue`, in a thread: the event loop goes on meanwhile."""
        return await asyncio.to_thread(self.enqueue, actor, queue, **arguments)

    def close(self) -> None:
        with self._opening:
            if self._broker is not None:
                self._broker.client.close()  # pyright: ignore[reportUnknownMemberType]
                self._broker = None

    def _open(self) -> RedisBroker:
        with self._opening:
            if self._broker is None:
                self._broker = _connect(self._url)
            return self._broker


@opener
async def open_dispatch(settings: RedisSettings) -> AsyncGenerator[Dispatch]:
    """Nothing waits for Redis at start."""
    dispatch = Dispatch(settings.url)
    try:
        yield dispatch
    finally:
        dispatch.close()


def _connect(redis_url: str) -> RedisBroker:
    import redis  # noqa: PLC0415
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        redis_url,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    # Maintenance is the workers': it may run for long, and here somebody waits.
    return RedisBroker(client=client, namespace=NAMESPACE, middleware=[], maintenance_chance=0)
