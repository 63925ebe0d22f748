"""Who wants to know of which change, and up to which version each topic was announced."""

from __future__ import annotations

from collections.abc import Callable

from shared.catalog.read import ChangeCounters
from shared.log import get_logger

NAMES = ChangeCounters.__struct_fields__

Callback = Callable[[], None]
OneCallback = Callable[[str], None]


class Topics:
    """`seen` has the version of each topic that was announced."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self._callbacks: dict[str, list[tuple[Callback, OneCallback | None]]] = {
            name: [] for name in NAMES
        }

    def on_change(self, name: str, callback: Callback, of_one: OneCallback | None) -> None:
        self._callbacks[name].append((callback, of_one))

    def announce(self, name: str, version: int, whose: str | None = None) -> None:
        """`whose` None: anybody may be concerned."""
        self.seen[name] = version
        self.call(name, whose)

    def call(self, name: str, whose: str | None = None) -> None:
        for of_all, of_one in self._callbacks[name]:
            try:
                of_all() if whose is None or of_one is None else of_one(whose)
            except Exception as error:  # noqa: BLE001  one at fault must not keep news from others
                get_logger().error("snapshot.callback_failed", topic=name, exc_info=error)
