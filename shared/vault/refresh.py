"""Reads the key ring again where its source can change, for whoever meets a key it cannot open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from shared.log import get_logger
from shared.vault.keyring import KeyRing

AT_MOST_EVERY_S = 10.0


class RingReader:
    """The ring of a source; belongs to one event loop, and reads in a thread.

    `read` None: the source never changes (the environment), and is not read again.
    """

    def __init__(self, ring: KeyRing, read: Callable[[], KeyRing] | None = None) -> None:
        self.ring = ring
        self._read = read
        self._reading: asyncio.Task[bool] | None = None
        self._read_at_s: float | None = None

    async def learn(self) -> bool:
        """Whether the ring has a key that it had not, for what did not open: asked for once however
        many wait, and at most every AT_MOST_EVERY_S.
        """
        if self._reading is None or self._reading.done():
            now_s = time.monotonic()
            if self._read_at_s is not None and now_s - self._read_at_s < AT_MOST_EVERY_S:
                return False
            self._read_at_s = now_s
            self._reading = asyncio.create_task(self.read_again(), name="vault.learn")
        return await asyncio.shield(self._reading)

    async def read_again(self) -> bool:
        """Whether it is another ring now; one that cannot be read leaves the old."""
        if self._read is None:
            return False
        try:
            ring = await asyncio.to_thread(self._read)
        except ValueError as error:
            get_logger().warning("vault.refresh_failed", reason=str(error))
            return False
        if ring.ids == self.ring.ids:
            return False
        self.ring = ring
        get_logger().info("vault.refreshed", key_ids=ring.ids)
        return True
