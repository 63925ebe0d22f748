"""What of a request a provider cannot honor: refused by its name, or left out and written down."""

from __future__ import annotations

import msgspec

from shared.errors import InvalidField


class Translated(msgspec.Struct, frozen=True):
    """The body to send, and the names of the client's fields that are not in it."""

    body: bytes
    dropped: tuple[str, ...] = ()


class Drops:
    """Collects the names of what is left out. `may_drop` is the caller's `drop_params: true`."""

    def __init__(self, *, may_drop: bool) -> None:
        self.may_drop = may_drop
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Each name once, in the order of the request."""
        return tuple(self._names)

    def leave_out(self, name: str) -> None:
        """For a hint that cannot change what the answer means."""
        self._names[name] = None

    def refuse(self, name: str, why: str) -> None:
        """For a field that would change the answer. Raises InvalidField unless it may be dropped.

        `why` is a sentence without its full stop.
        """
        if not self.may_drop:
            raise InvalidField(
                f"{why}; leave '{name}' out or send drop_params: true.",
                param=name,
                code="unsupported_parameter",
            )
        self._names[name] = None


def refused_content(place: str, why: str) -> InvalidField:
    """The error for a part of the conversation that cannot be sent on: never dropped, whatever
    drop_params says, as the model would then answer another question."""
    return InvalidField(f"{why} ({place}).", param=place, code="unsupported_content")
