"""What holds the ledger together, each so that it can be switched off: the tests must notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from shared.auth.authenticator import Authenticator
from shared.completion.client import Client
from shared.completion.usage_writer import UsageWriter
from shared.spool import spool
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool


def _without_intent() -> None:
    Spool.intent = lambda self, intent: None


def _without_final_before_the_last_byte() -> None:
    written = Spool.final

    def later(self: Spool, final: Any) -> None:
        asyncio.get_running_loop().call_later(0.5, written, self, final)

    Spool.final = later


def _without_settling_the_cancelled() -> None:
    write = UsageWriter.write_final

    def unless_cancelled(self: UsageWriter, asked: Any, course: Any, outcome: Any) -> Any:
        return None if outcome.error == "cancelled" else write(self, asked, course, outcome)

    UsageWriter.write_final = unless_cancelled


def _without_watching_for_a_hang_up() -> None:
    Client.look = lambda _: None


def _without_last_ship() -> None:
    async def stop(self: Shipper) -> None:
        for task in self._tasks:
            task.cancel()

    Shipper.stop = stop


def _without_reserved_room() -> None:
    spool.RESERVED_BYTES = 0


def _without_memory_of_callers() -> None:
    recall = Authenticator.recall

    def forgetful(self: Authenticator, authorization: bytes) -> Any:
        self.forget()
        return recall(self, authorization)

    Authenticator.recall = forgetful


SWITCH_OFF: Mapping[str, Callable[[], None]] = {
    "the INTENT": _without_intent,
    "the FINAL before the last byte": _without_final_before_the_last_byte,
    "settling the cancelled": _without_settling_the_cancelled,
    "watching for a hang-up": _without_watching_for_a_hang_up,
    "the last ship": _without_last_ship,
    "reserved room": _without_reserved_room,
    "memory of callers": _without_memory_of_callers,
}
