"""What of a request a provider cannot honor: refused by its name, or left out and written down."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import ChatRequest


class Translated(msgspec.Struct, frozen=True):
    """The body to send, and the names of the client's fields that are not in it.

    `head`: header lines, each ending in CRLF, in the place of those of the same names.
    `max_tokens`: what it lets the provider answer with, for all choices together; None: no limit.
    """

    body: bytes
    dropped: tuple[str, ...] = ()
    head: bytes = b""
    max_tokens: int | None = None


class Sending(msgspec.Struct, frozen=True):
    """To which model a request goes. `max_tokens` and `temperature` are a power level's defaults.

    `output_limit`: the most that the model can answer, in tokens, where that is known. `is_named`:
    the caller named this one model; else a level, a list or an alias chose it.
    """

    model_id: str
    max_tokens: int | None = None
    temperature: float | None = None
    output_limit: int | None = None
    is_named: bool = True

    def drops(self, chat: ChatRequest) -> Drops:
        return Drops(
            may_drop=chat.drop_params, may_resample=not self.is_named, already=chat.left_out
        )


class Drops:
    """Collects the names of what is left out. `may_drop` is the caller's `drop_params: true`.

    `may_resample`: the caller left the model to us, so sampling that it does not take is left out.
    `already`: names of what was left out before.
    """

    def __init__(
        self, *, may_drop: bool, may_resample: bool = False, already: Iterable[str] = ()
    ) -> None:
        self.may_drop = may_drop
        self.may_resample = may_drop or may_resample
        self._names: dict[str, None] = dict.fromkeys(already)

    @property
    def names(self) -> tuple[str, ...]:
        """Each name once, in the order of the request."""
        return tuple(self._names)

    def leave_out(self, name: str) -> None:
        """For a hint that cannot change what the answer means."""
        self._names[name] = None

    def refuse(self, name: str, why: str, *, is_sampling: bool = False) -> None:
        """For a field that would change the answer. Raises InvalidField unless it may be dropped.

        `why` is a sentence without its full stop.
        """
        if not (self.may_resample if is_sampling else self.may_drop):
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
