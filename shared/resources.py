"""What a running app has opened, by type; how each type is opened; and what /readyz asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast, get_args, get_type_hints

from shared.settings import Settings, SettingsGroup

T = TypeVar("T")
P = ParamSpec("P")

_CANCEL_AGAIN_S = 0.5


@dataclass(frozen=True)
class Check:
    """One readiness check. `run` returns None when well, else a sentence that says what is wrong.

    `critical`: without it the app cannot serve and /readyz answers 503; otherwise it is degraded.
    """

    name: str
    run: Callable[[], Awaitable[str | None]]
    critical: bool = False


class Checks(list[Check]):
    """An app's readiness checks; an opener that has one asks for this list and appends to it."""


class Resources:
    """A container of opened things. `get` raises KeyError for a type that was not opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.checks = Checks()
        self.draining = False
        self._things: dict[type[object], object] = {}

    def get(self, kind: type[T]) -> T:
        return cast(T, self._things[kind])

    async def open(self, kinds: Iterable[type[object]], stack: AsyncExitStack) -> None:
        """Open each of `kinds`, and before it what it needs; `stack` closes them in reverse."""
        for kind in in_order(kinds):
            opening = _OPENINGS[kind]
            given = {name: self._value(need) for name, need in opening.needs.items()}
            self._things[kind] = await stack.enter_async_context(opening.open(**given))

    def _value(self, need: _Need) -> object:
        if need.kind is Checks:
            return self.checks
        if issubclass(need.kind, SettingsGroup):
            return self.settings[need.kind]
        return self._things.get(need.kind) if need.is_optional else self._things[need.kind]


class _Need(NamedTuple):
    kind: type[object]
    is_optional: bool

    @property
    def is_opened(self) -> bool:
        return self.kind is not Checks and not issubclass(self.kind, SettingsGroup)


class _Opening(NamedTuple):
    open: Callable[..., AbstractAsyncContextManager[object]]
    needs: Mapping[str, _Need]


_OPENINGS: dict[type[object], _Opening] = {}


def opener(
    function: Callable[P, AsyncGenerator[T]],
) -> Callable[P, AbstractAsyncContextManager[T]]:
    """Declare how a T is opened wherever one is needed: set it up, yield it, close it.

    The type of each parameter says what it is given: something else that is opened, a group of
    settings, or the app's `Checks`. A parameter that may be None is given what the app has opened
    for another reason, if anything; it opens nothing by itself.
    """
    opening = asynccontextmanager(function)
    hints = get_type_hints(function)
    kind = _need(get_args(hints.pop("return"))[0]).kind
    needs = {name: _need(hint) for name, hint in hints.items()}
    _OPENINGS[kind] = _Opening(opening, needs)
    return opening


def settings_of(kinds: Iterable[type[object]]) -> tuple[type[SettingsGroup], ...]:
    """The groups of settings that are read where `kinds`, and what they need, are opened."""
    needs = (need.kind for kind in in_order(kinds) for need in _OPENINGS[kind].needs.values())
    return tuple(dict.fromkeys(kind for kind in needs if issubclass(kind, SettingsGroup)))


def in_order(kinds: Iterable[type[object]]) -> list[type[object]]:
    """`kinds` and all that they need, each behind what it is given.

    Raises LookupError for a type that has no opener, or that needs itself.
    """
    wanted: dict[type[object], None] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in _OPENINGS:
            raise LookupError(f"nothing opens a {kind.__name__}: import the module of its opener")
        if kind not in wanted:
            wanted[kind] = None
            needs = _OPENINGS[kind].needs.values()
            waiting += [need.kind for need in needs if need.is_opened and not need.is_optional]
    ordered: dict[type[object], None] = {}
    for kind in wanted:
        _place(kind, wanted, ordered, ())
    return list(ordered)


def _place(
    kind: type[object],
    wanted: Mapping[type[object], None],
    ordered: dict[type[object], None],
    above: tuple[type[object], ...],
) -> None:
    if kind in above:
        raise LookupError(f"to open a {kind.__name__} needs a {kind.__name__}")
    if kind not in ordered:
        for need in _OPENINGS[kind].needs.values():
            if need.kind in wanted:
                _place(need.kind, wanted, ordered, (*above, kind))
        ordered[kind] = None


def _need(hint: Any) -> _Need:
    """`T` or `T | None`, as a parameter or a return value has it."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return _Need(kinds[0], is_optional=True) if kinds else _Need(hint, is_optional=False)


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them until each has ended: a client may swallow a cancellation that arrives with its
    answer, and who leaves such a task behind keeps the process from ending.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
