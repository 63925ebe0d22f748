"""What a running app has opened, by type; and what it says of its own readiness."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar, cast

from shared.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One readiness check. `run` returns None when well, else a sentence that says what is wrong.

    `critical`: without it the app cannot serve and /readyz answers 503; otherwise it is degraded.
    """

    name: str
    run: Callable[[], Awaitable[str | None]]
    critical: bool = False


class Resources:
    """A container of opened things. `get` raises KeyError for a type that no opener put."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.checks: list[Check] = []
        self.draining = False
        self._things: dict[type[object], object] = {}

    def put(self, thing: object) -> None:
        self._things[type(thing)] = thing

    def get(self, kind: type[T]) -> T:
        return cast(T, self._things[kind])

    def has(self, kind: type[object]) -> bool:
        return kind in self._things


Opener = Callable[[Resources], AbstractAsyncContextManager[None]]
"""An `@asynccontextmanager async def open_<thing>(resources)`: opens, puts, yields, closes."""
